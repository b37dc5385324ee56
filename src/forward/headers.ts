/** Headers as a flat list of names and values, in the order in which they arrived: Node's `rawHeaders`, undici's `headers`. */
export type RawHeaders = readonly string[]

/**
 * Headers that end at this hop (RFC 9110 section 7.6.1, RFC 9112), and `Expect`, which this hop has answered already.
 * The body is framed anew by the engine, so `content-length` and `transfer-encoding` are settled there.
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
])

// Names by which proxies tell clusters who is calling, and from where: never a caller's to say. The security plugin's own header for acting
// as somebody else (opendistro_security_impersonate_as) is one of them. Compared with `-` for `_`: many servers take one for the other.
const IDENTITY =
  /^(?:x-proxy-.*|x-forwarded-.*|forwarded|x-real-ip|x-original-url|x-rewrite-url|x?-?opendistro.*|security-?tenant)$/

/** What differs from request to request at the header boundary. Names are in lower case, and with `-`. */
export interface HeaderChanges {
  /** Put at the end; the caller's own of that name, in any spelling, are left out. */
  readonly ours: Readonly<Record<string, string>>
  /** Put at the end, behind what the caller sent of that name. */
  readonly appended: Readonly<Record<string, string>>
  /** Identity headers that may stay, in exactly this spelling (but for case). */
  readonly allowed: ReadonlySet<string>
  /** Others that go. */
  readonly dropped: ReadonlySet<string>
}

/** What is known of a header by its name alone. */
interface HeaderName {
  readonly lower: string
  /** In lower case, and with `-` for `_`. */
  readonly hyphenated: string
  readonly isOfThisHop: boolean
  readonly saysWhoCalls: boolean
}

// Callers send the same few names again and again, and to look at each anew was most of the cost of this file. Callers choose them, hence the bounds.
const MAX_KNOWN = 500
const MAX_KNOWN_LENGTH = 64
const known = new Map<string, HeaderName>()

function nameOf(spelling: string): HeaderName {
  const before = known.get(spelling)
  if (before !== undefined) return before
  const lower = spelling.toLowerCase()
  const hyphenated = lower.replaceAll('_', '-')
  const name = { lower, hyphenated, isOfThisHop: HOP_BY_HOP.has(lower), saysWhoCalls: IDENTITY.test(hyphenated) }
  if (spelling.length <= MAX_KNOWN_LENGTH && known.size < MAX_KNOWN) known.set(spelling, name)
  return name
}

/** Whether a header ends at this hop, by its name. */
export const isOfThisHop = (name: string): boolean => nameOf(name).isOfThisHop

/** Whether a header says who is calling, or from where, in any spelling of its name. */
export const saysWhoCalls = (name: string): boolean => nameOf(name).saysWhoCalls

/** The names that a `Connection` header declares to be of this hop only. */
function connectionNamed(headers: RawHeaders): readonly string[] {
  return valuesOf(headers, 'connection').flatMap((value) => value.split(',').map((name) => name.trim().toLowerCase()))
}

// A caller may not have these dropped by naming them in Connection: the cluster would read the body otherwise than we did.
const NEVER_DROPPED = new Set(['host', 'content-type', 'content-length', 'content-encoding', 'authorization'])

/** What goes on to the node: the caller's headers without those of this hop and without identity headers, bytes and order kept; then ours. */
export function requestHeaders(received: RawHeaders, { ours, appended, allowed, dropped }: HeaderChanges): string[] {
  const named = connectionNamed(received)
  const kept: string[] = []
  for (let position = 0; position + 1 < received.length; position += 2) {
    const name = received[position] ?? ''
    const { lower, hyphenated, isOfThisHop, saysWhoCalls } = nameOf(name)
    if (isOfThisHop || lower === 'host' || dropped.has(hyphenated) || Object.hasOwn(ours, hyphenated)) continue
    if (saysWhoCalls && !allowed.has(lower)) continue
    if (named.includes(lower) && !NEVER_DROPPED.has(lower)) continue
    kept.push(name, received[position + 1] ?? '')
  }
  for (const [name, value] of [...Object.entries(appended), ...Object.entries(ours)]) kept.push(name, value)
  return kept
}

/** A reason phrase that Node would refuse to say is left out: nobody may rely on one (RFC 9112 section 4). */
export function reasonPhrase(phrase: string | null | undefined): string {
  return phrase === null || phrase === undefined || /[^\t\x20-\x7e\x80-\xff]/.test(phrase) ? '' : phrase
}

/** What goes back to the caller: the node's headers without those of its hop. */
export function responseHeaders(received: RawHeaders): string[] {
  const named = connectionNamed(received)
  const kept: string[] = []
  for (let position = 0; position + 1 < received.length; position += 2) {
    const { lower, isOfThisHop } = nameOf(received[position] ?? '')
    if (isOfThisHop && lower !== 'trailer') continue
    if (named.includes(lower) && !NEVER_DROPPED.has(lower)) continue
    kept.push(received[position] ?? '', received[position + 1] ?? '')
  }
  return kept
}

/** Every value of a header, in order. */
export function valuesOf(headers: RawHeaders, lowerName: string): string[] {
  const values: string[] = []
  for (let position = 0; position + 1 < headers.length; position += 2) {
    const name = headers[position] ?? ''
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(headers[position + 1] ?? '')
  }
  return values
}

export function pairsOf(headers: RawHeaders): [name: string, value: string][] {
  return headers.flatMap((name, position) =>
    position % 2 === 0 ? [[name, headers[position + 1] ?? ''] satisfies [string, string]] : [],
  )
}
