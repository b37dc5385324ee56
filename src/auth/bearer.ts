import { refuse } from './refusal.ts'

/**
 * The token of a request, from the values of all its `Authorization` headers as received (RFC 6750 section 2.1).
 * The scheme is compared without regard to case (RFC 9110 section 11.1). Tokens in the query, in a form or in a cookie
 * are never looked for.
 */
export function readBearerToken(authorization: readonly string[]): string {
  // check: bearer-missing
  if (authorization.length === 0) throw refuse('bearer-missing')
  // check: bearer-single
  if (authorization.length > 1) throw refuse('bearer-single')
  const value = authorization[0] ?? ''
  const end = value.indexOf(' ')
  const scheme = end === -1 ? value : value.slice(0, end)
  // check: bearer-scheme
  if (scheme.toLowerCase() !== 'bearer') throw refuse('bearer-scheme')
  return end === -1 ? '' : value.slice(end).replace(/^ +/, '')
}
