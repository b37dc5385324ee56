import { GatewayError } from './failure.ts'
import type { Principal } from './principal.ts'

// What an HTTP header carries unchanged: visible ASCII, with spaces inside only. The security plugin trims roles, and reads other bytes as Latin-1.
const NAME = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/**
 * The headers by which the security plugin's proxy authentication learns who is calling. A name that it would read as another one is never sent:
 * `a,b` as one role would be two.
 * @throws GatewayError unsendableIdentity
 */
export function proxyHeaders({ subject, backendRoles }: Principal): Readonly<Record<string, string>> {
  const isSendable = NAME.test(subject) && backendRoles.every((role) => NAME.test(role) && !role.includes(','))
  if (!isSendable) throw new GatewayError('unsendableIdentity')
  return {
    'x-proxy-user': subject,
    ...(backendRoles.length === 0 ? {} : { 'x-proxy-roles': backendRoles.join(',') }),
  }
}
