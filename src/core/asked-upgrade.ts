/** The protocols to which a connection may be upgraded. Not h2c: what came in its streams would be requests that nobody has looked at. */
export const UPGRADES = ['websocket'] as const

export type UpgradeProtocol = (typeof UPGRADES)[number]

interface Asking {
  readonly method?: string | undefined
  readonly httpVersion: string
  /** Names and values in turn, as they arrived. */
  readonly rawHeaders: readonly string[]
}

// With any of these it is not certain where the request ends, and with that where the other protocol begins.
const FRAMING = new Set(['content-length', 'transfer-encoding', 'expect', 'trailer'])

/**
 * The protocol that a request asks its connection to be upgraded to (RFC 9110 section 7.8): only where it asks in the one plain way, with a GET of HTTP/1.1
 * without a body and with one protocol by name. Whatever asks otherwise is a request whose `Upgrade` ends at this hop.
 */
export function askedUpgrade({ method, httpVersion, rawHeaders }: Asking): UpgradeProtocol | undefined {
  // check: upgrade-method
  if (method !== 'GET' || httpVersion !== '1.1') return undefined
  const wanted: string[] = []
  let isNamed = false
  for (let position = 0; position + 1 < rawHeaders.length; position += 2) {
    const name = (rawHeaders[position] ?? '').toLowerCase()
    const value = (rawHeaders[position + 1] ?? '').toLowerCase()
    // check: upgrade-framing
    if (FRAMING.has(name)) return undefined
    if (name === 'upgrade') wanted.push(value.trim())
    if (name === 'connection') isNamed ||= value.split(',').some((option) => option.trim() === 'upgrade')
  }
  const [only, ...others] = wanted
  return isNamed && others.length === 0 ? UPGRADES.find((protocol) => protocol === only) : undefined
}
