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

/** The names that a `Connection` header declares to be of this hop only. */
function connectionNamed(headers: RawHeaders): ReadonlySet<string> {
  const named = new Set<string>()
  for (let position = 0; position + 1 < headers.length; position += 2) {
    if (headers[position]?.toLowerCase() !== 'connection') continue
    for (const name of (headers[position + 1] ?? '').split(',')) named.add(name.trim().toLowerCase())
  }
  return named
}

// A caller may not have these dropped by naming them in Connection: the cluster would read the body otherwise than we did.
const NEVER_DROPPED = new Set(['host', 'content-type', 'content-length', 'content-encoding', 'authorization'])

/** What goes on to the node: the caller's headers without those of this hop and without identity headers, bytes and order kept; then ours. */
export function requestHeaders(received: RawHeaders, { ours, appended, allowed, dropped }: HeaderChanges): string[] {
  const named = connectionNamed(received)
  const kept: string[] = []
  for (let position = 0; position + 1 < received.length; position += 2) {
    const name = received[position] ?? ''
    const lower = name.toLowerCase()
    const hyphenated = lower.replaceAll('_', '-')
    if (HOP_BY_HOP.has(lower) || lower === 'host' || dropped.has(hyphenated) || Object.hasOwn(ours, hyphenated))
      continue
    if (IDENTITY.test(hyphenated) && !allowed.has(lower)) continue
    if (named.has(lower) && !NEVER_DROPPED.has(lower)) continue
    kept.push(name, received[position + 1] ?? '')
  }
  for (const [name, value] of [...Object.entries(appended), ...Object.entries(ours)]) kept.push(name, value)
  return kept
}

/** What goes back to the caller: the node's headers without those of its hop. */
export function responseHeaders(received: RawHeaders): string[] {
  const named = connectionNamed(received)
  const kept: string[] = []
  for (let position = 0; position + 1 < received.length; position += 2) {
    const lower = (received[position] ?? '').toLowerCase()
    const isOfThisHop = HOP_BY_HOP.has(lower) && lower !== 'trailer'
    if (isOfThisHop || (named.has(lower) && !NEVER_DROPPED.has(lower))) continue
    kept.push(received[position] ?? '', received[position + 1] ?? '')
  }
  return kept
}

/** Every value of a header, in order. */
export function valuesOf(headers: RawHeaders, lowerName: string): string[] {
  return headers.flatMap((name, position) =>
    position % 2 === 0 && name.toLowerCase() === lowerName ? [headers[position + 1] ?? ''] : [],
  )
}

export function pairsOf(headers: RawHeaders): [name: string, value: string][] {
  return headers.flatMap((name, position) =>
    position % 2 === 0 ? [[name, headers[position + 1] ?? ''] satisfies [string, string]] : [],
  )
}
