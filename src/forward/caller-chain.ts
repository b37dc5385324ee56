import { isIP } from 'node:net'

/** Whether an address (IPv4, or IPv6 without brackets) is one of the operator's own proxies. */
export type IsTrustedProxy = (address: string) => boolean

/** Where a request came from, as far as that can be believed. */
export interface CallerChain {
  /** Addresses from the caller to our peer, those that no trusted proxy vouches for left out. */
  readonly addresses: readonly string[]
  /** How many of them, from the right, are trusted proxies. */
  readonly trustedHops: number
}

/**
 * Reads `X-Forwarded-For` from right to left, beginning with the peer itself: each trusted proxy vouches for the entry to its left, and what is
 * left of the first address that is not trusted could be anybody's invention (oauth2-proxy CVE-2026-40575).
 */
export function callerChain(forwardedFor: readonly string[], peer: string, isTrusted: IsTrustedProxy): CallerChain {
  const entries = forwardedFor.flatMap((value) => value.split(','))
  const addresses = [plainAddress(peer) ?? peer]
  let trustedHops = 0
  for (;;) {
    if (!isTrusted(addresses[0] ?? '')) break
    trustedHops += 1
    const before = plainAddress(entries.pop() ?? '')
    if (before === undefined) break
    addresses.unshift(before)
  }
  return { addresses, trustedHops }
}

/** The element of a list header that the outermost trusted proxy wrote: lists grow at the right, one element a hop. */
export function vouchedElement(values: readonly string[], { trustedHops }: CallerChain): string | undefined {
  if (trustedHops === 0) return undefined
  const elements = values.flatMap((value) => value.split(',')).map((element) => element.trim())
  return elements.at(-Math.min(trustedHops, elements.length))
}

/** An address without port, brackets or zone, IPv4 also where it is written as IPv6; `undefined` for what is none. */
function plainAddress(text: string): string | undefined {
  const entry = text.trim()
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry
  const address = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare.replace(/%.*$/, '')
  return isIP(address) === 0 ? undefined : address
}
