import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/**
 * A request of HTTP/2 with the headers that it would have in HTTP/1.1 (RFC 9113 section 8): `host` for `:authority`, cookies in one header,
 * `transfer-encoding: chunked` where a body comes whose length is not told. Beside headers Node's two kinds of messages are alike but for
 * what is mended here, so the rest of the gateway knows one kind. Asking `httpVersionMajor` still tells.
 */
export function readAsHttp1(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): [request: IncomingMessage, response: ServerResponse] {
  const rawHeaders = http1Headers(request)
  const headersDistinct = distinct(rawHeaders)
  const isChunked = !request.stream.endAfterHeaders && headersDistinct['content-length'] === undefined
  const headers = Object.fromEntries(
    Object.entries({ ...request.headers, host: headersDistinct['host']?.[0] }).filter(
      ([name]) => !name.startsWith(':'),
    ),
  )
  Object.defineProperties(request, {
    rawHeaders: { value: rawHeaders },
    headersDistinct: { value: headersDistinct },
    headers: { value: { ...headers, ...(isChunked ? { 'transfer-encoding': 'chunked' } : {}) } },
  })
  return [request as unknown as IncomingMessage, mend(response)]
}

function http1Headers({ rawHeaders, authority, headers }: Http2ServerRequest): string[] {
  const kept: string[] = []
  const host = authority === '' ? headers.host : authority
  if (host !== undefined) kept.push('host', host)
  const cookies: string[] = []
  for (let position = 0; position + 1 < rawHeaders.length; position += 2) {
    const [name = '', value = ''] = rawHeaders.slice(position, position + 2)
    if (name.startsWith(':') || name === 'host') continue
    if (name === 'cookie') cookies.push(value)
    else kept.push(name, value)
  }
  if (cookies.length > 0) kept.push('cookie', cookies.join('; '))
  return kept
}

function distinct(rawHeaders: readonly string[]): Record<string, string[]> {
  const values = Object.create(null) as Record<string, string[]>
  for (let position = 0; position + 1 < rawHeaders.length; position += 2) {
    const [name = '', value = ''] = rawHeaders.slice(position, position + 2)
    values[name] = [...(values[name] ?? []), value]
  }
  return values
}

function mend(response: Http2ServerResponse): ServerResponse {
  const { stream } = response
  const writeHead = response.writeHead.bind(response)
  // Else a stream that was reset closes only when all that had come on it is read.
  stream.once('aborted', () => process.nextTick(() => stream.destroy()))
  const addTrailers = response.addTrailers.bind(response)
  Object.defineProperties(response, {
    destroyed: { get: () => stream.destroyed || stream.closed },
    // A stream that was reset is ended by Node itself: only an end of ours is one.
    writableFinished: { get: () => response.writableEnded && stream.writableFinished },
    // There are no reason phrases in HTTP/2, and Node warns of each.
    writeHead: {
      value: (status: number, ...rest: unknown[]) =>
        writeHead(status, rest.find((argument) => typeof argument === 'object') as Record<string, string>),
    },
    addTrailers: {
      value: (pairs: readonly (readonly [string, string])[]) => addTrailers(Object.fromEntries(pairs)),
    },
    // Without an error code half an answer could be taken for all of it.
    destroy: { value: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR) },
  })
  return response as unknown as ServerResponse
}
