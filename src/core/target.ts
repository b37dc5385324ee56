import { GatewayError } from './failure.ts'

/**
 * A request target in origin-form (RFC 9112 section 3.2.1), kept as it arrived and cut up as OpenSearch cuts it up:
 * a `?` starts the query, a `#` is data, segments are percent-decoded one by one and nothing is normalised (measured on 3.4.0). Two slashes have an
 * empty segment between them, at the start too: the server's PathTrie passes over one slash, and takes `//_refresh` for `/{index}/_refresh` with an empty
 * index. (In its errors it reads the same target as `//host/path`.)
 */
export interface Target {
  readonly raw: string
  /** Everything before the first `?`, percent-decoded as a whole: how the server quotes a path in its errors. */
  readonly decodedPath: string
  /** The segments as they arrived, trailing empty ones dropped: the server ignores trailing slashes. */
  readonly rawSegments: readonly string[]
  /** The same segments, percent-decoded. */
  readonly segments: readonly string[]
  /**
   * What is between the first `?` and the first `#` of the whole target, wherever that stands: there the server stops reading parameters.
   * `undefined` where there is no `?`.
   */
  readonly query: string | undefined
}

const VISIBLE_ASCII = /^[!-~]*$/

/**
 * Cuts a raw target up, or throws `ambiguousTarget` where two parsers could disagree on what it names.
 * @throws GatewayError ambiguousTarget
 */
export function parseTarget(raw: string): Target {
  if (!raw.startsWith('/')) throw ambiguous('must start with a slash')
  if (!VISIBLE_ASCII.test(raw)) throw ambiguous('must hold visible ASCII characters only; percent-encode the others')

  const questionMark = raw.indexOf('?')
  const path = questionMark === -1 ? raw : raw.slice(0, questionMark)
  const query = questionMark === -1 ? undefined : raw.slice(questionMark + 1).slice(0, lengthOfQuery(raw, questionMark))
  // Many servers take a backslash for a slash; OpenSearch does not.
  if (path.includes('\\')) throw ambiguous('must not hold a backslash; percent-encode it')

  const rawSegments = path.replace(/\/+$/, '').split('/').slice(1)
  const segments = rawSegments.map(decodeSegment)
  return { raw, decodedPath: percentDecode(path) ?? path, rawSegments, segments, query }
}

function lengthOfQuery(raw: string, questionMark: number): number {
  const hash = raw.indexOf('#')
  return hash === -1 ? raw.length : Math.max(0, hash - questionMark - 1)
}

/** Where an id is written as a segment: a dot segment is refused in every spelling, since many parsers remove it. */
function decodeSegment(raw: string): string {
  const decoded = percentDecode(raw)
  if (decoded === undefined) throw ambiguous('holds a percent sign that is not followed by valid UTF-8 in hexadecimal')
  if (decoded === '.' || decoded === '..') throw ambiguous('must not hold dot segments')
  return decoded
}

/** Strict percent-decoding of UTF-8 (RFC 3986 section 2.1); `+` stays. `undefined` where it is not valid. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function ambiguous(what: string): GatewayError {
  return new GatewayError('ambiguousTarget', { reason: `The request target ${what}` })
}
