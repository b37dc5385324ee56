/** A request that two parsers may cut differently (RFC 9112 section 11.2), and what must become of it. */
export interface SmugglingAttack {
  /** With the row of threats it covers, where it has a name. */
  readonly what: string
  readonly line?: string
  readonly headers: readonly string[]
  readonly body: string
  /** Refused with 400 before the cluster hears of it, or exactly one request with this body. */
  readonly expected: 'refused' | { readonly body: string }
}

const HIDDEN = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
const CHUNKED = 'Transfer-Encoding: chunked'
const EMPTY_CHUNKS = `0\r\n\r\n${HIDDEN}`
const length = (text: string): string => `Content-Length: ${String(text.length)}`

export const SMUGGLING: readonly SmugglingAttack[] = [
  { what: 'Content-Length and chunked', headers: [length(HIDDEN), CHUNKED], body: EMPTY_CHUNKS, expected: 'refused' },
  { what: 'chunked and Content-Length', headers: [CHUNKED, length(HIDDEN)], body: EMPTY_CHUNKS, expected: 'refused' },
  { what: 'chunked and Content-Length: 0', headers: [CHUNKED, 'Content-Length: 0'], body: EMPTY_CHUNKS, expected: 'refused' },
  { what: 'two lengths', headers: ['Content-Length: 0', length(HIDDEN)], body: HIDDEN, expected: 'refused' },
  { what: 'two equal lengths', headers: [length(HIDDEN), length(HIDDEN)], body: HIDDEN, expected: 'refused' },
  ...['+5', '5,5', '5, 5', '0x5', '5 5', '-5', '5;', '5.0', '', '٥', '5\u00a0', '99999999999999999999'].map((value) => ({
    what: `Content-Length: ${JSON.stringify(value)}`,
    headers: [`Content-Length: ${value}`],
    body: `12345${HIDDEN}`,
    expected: 'refused' as const,
  })),
  { what: 'a length with white space around it', headers: ['Content-Length:  5 '], body: '12345', expected: { body: '12345' } },
  ...['xchunked', 'chunked, identity', 'identity', 'chunked;q=1', 'gzip', '\u000bchunked', 'chunked\u00a0', '"chunked"'].map((value) => ({
    what: `Transfer-Encoding: ${JSON.stringify(value)} (CVE-2022-32213)`,
    headers: [`Transfer-Encoding: ${value}`],
    body: EMPTY_CHUNKS,
    expected: 'refused' as const,
  })),
  { what: 'two codings, the first not chunked', headers: ['Transfer-Encoding: identity', CHUNKED, 'Content-Length: 4'], body: EMPTY_CHUNKS, expected: 'refused' },
  { what: 'a folded coding (CVE-2022-32215)', headers: ['Transfer-Encoding:\r\n chunked', 'Content-Length: 4'], body: EMPTY_CHUNKS, expected: 'refused' },
  { what: 'a space before the colon (CVE-2024-27982)', headers: ['Content-Length : 5'], body: `12345${HIDDEN}`, expected: 'refused' },
  { what: 'a space before the header', headers: [' Content-Length: 5'], body: `12345${HIDDEN}`, expected: 'refused' },
  { what: 'an underscore for the hyphen is no framing', headers: ['Content_Length: 50', 'Transfer_Encoding: chunked', 'Content-Length: 5'], body: '12345', expected: { body: '12345' } },
  { what: 'a bare LF between headers (CVE-2023-30589)', headers: [`X: y\nContent-Length: 5`], body: `12345${HIDDEN}`, expected: 'refused' },
  { what: 'a bare CR in a header', headers: ['X: y\rContent-Length: 5'], body: HIDDEN, expected: 'refused' },
  { what: 'a bare CR as the end of the headers', headers: ['X: y\r\r\n'], body: HIDDEN, expected: 'refused' },
  { what: 'a NUL in a header', headers: ['X: a\0b', length('12345')], body: '12345', expected: 'refused' },
  { what: 'a fold in a header', headers: ['X: a\r\n b', length('12345')], body: '12345', expected: 'refused' },
  { what: 'a header without a name', headers: [': chunked'], body: '', expected: 'refused' },
  { what: 'a header without a colon', headers: ['Content-Length 5'], body: '', expected: 'refused' },
  { what: 'a name with a bracket', headers: ['Content-Length]: 5'], body: '', expected: 'refused' },
  { what: 'a request line that ends in a header', line: 'GET /x HTTP/1.1\r\nX-Injected: 1\r\nGET /smuggled', headers: [], body: '', expected: 'refused' },
  { what: 'a line break in the target', line: 'GET /x\nHost: y', headers: [], body: '', expected: 'refused' },
  ...['+5', '0x5', '-5', '5 5', 'g', 'fffffffffffffffff', '5\u00a0'].map((size) => ({
    what: `a chunk of size ${JSON.stringify(size)}`,
    headers: [CHUNKED],
    body: `${size}\r\n12345\r\n0\r\n\r\n`,
    expected: 'refused' as const,
  })),
  { what: 'a chunk that is longer than its size', headers: [CHUNKED], body: `5\r\n1234567\r\n0\r\n\r\n`, expected: 'refused' },
  { what: 'a chunk size that ends in LF alone', headers: [CHUNKED], body: `5\n12345\r\n0\r\n\r\n${HIDDEN}`, expected: 'refused' },
  { what: 'a chunk extension with LF in it (CVE-2023-30589)', headers: [CHUNKED], body: `5;a\nb\r\n12345\r\n0\r\n\r\n`, expected: 'refused' },
  { what: 'a chunk extension is left behind', headers: [CHUNKED], body: '5;name=value\r\n12345\r\n0\r\n\r\n', expected: { body: '12345' } },
  { what: 'trailers cannot bring a length', headers: [CHUNKED], body: '5\r\n12345\r\n0\r\nContent-Length: 50\r\n\r\n', expected: 'refused' },
  { what: 'trailers cannot bring an identity', headers: [CHUNKED, 'Trailer: x-proxy-user'], body: '5\r\n12345\r\n0\r\nX-Proxy-User: admin\r\n\r\n', expected: { body: '12345' } },
  { what: 'a length that Connection names', headers: ['Content-Length: 5', 'Connection: close, content-length'], body: '12345', expected: { body: '12345' } },
  { what: 'a coding that Connection names', headers: [CHUNKED, 'Connection: close, transfer-encoding'], body: '5\r\n12345\r\n0\r\n\r\n', expected: { body: '12345' } },
  { what: 'a GET with a length', line: 'GET /x', headers: [length(HIDDEN)], body: HIDDEN, expected: { body: HIDDEN } },
  { what: 'a DELETE with a length', line: 'DELETE /x', headers: [length(HIDDEN)], body: HIDDEN, expected: { body: HIDDEN } },
  { what: 'a HEAD with a length', line: 'HEAD /x', headers: [length(HIDDEN)], body: HIDDEN, expected: { body: HIDDEN } },
] // prettier-ignore
