import { BlockList, isIP } from 'node:net'

import type { IsTrustedProxy } from './caller-chain.ts'

/**
 * Tells the operator's own proxies by their addresses.
 * @param ranges addresses or CIDR ranges, as in `10.0.0.0/8`; none trusts nobody
 */
export function trustedProxies(ranges: readonly string[]): IsTrustedProxy {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = familyOf(address)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
