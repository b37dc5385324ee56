import { GatewayError } from '../core/failure.ts'
import type { FailureCode } from '../core/failure.ts'

interface CheckRow {
  readonly code: FailureCode
  /** What the caller reads. Never anything that the token says: it may be somebody else's. */
  readonly reason?: string
}

const invalid = (reason: string) => ({ code: 'invalidToken', reason }) as const

/**
 * Every check that can refuse a token, in the order in which they run. In the code each is one statement under a comment
 * that begins with `check` and names it, so that a mutant can switch it off alone.
 */
export const CHECKS = {
  'bearer-missing': { code: 'missingToken' },
  'bearer-single': { code: 'malformedAuthorization' },
  'bearer-scheme': { code: 'missingToken' },
  'token-size': invalid('The token is longer than 8 KiB'),
  'token-parts': invalid('The token is not a signed JWT: three parts, separated by dots'),
  base64url: invalid('The parts of the token are not plain base64url'),
  'json-utf8': invalid("The token's header or payload is not UTF-8"),
  'json-syntax': invalid("The token's header or payload is not JSON"),
  'json-object': invalid("The token's header and payload must be JSON objects"),
  'json-duplicate': invalid("The token's header or payload names a member twice"),
  'header-key-material': invalid("The token's header must not bring along or point to a key"),
  'header-b64': invalid("The token's header has b64, which is not supported"),
  'header-crit': invalid("The token's header has crit, and no critical extension is supported"),
  'header-kid': invalid("The token's kid is not a string"),
  'claim-iss': invalid("The token's issuer is not known here"),
  'header-alg': invalid('The token was signed with an algorithm that is not accepted'),
  'header-typ': invalid("The token's type is not accepted"),
  'key-type': invalid("The token's key is of another type than its algorithm"),
  'key-private': invalid("The token's key is not secret any more: its issuer publishes the private part"),
  'key-use': invalid("The token's key is not meant for signatures"),
  'key-ops': invalid("The token's key is not meant for verification"),
  'key-alg': invalid("The token's key is meant for another algorithm"),
  'key-rsa-size': invalid("The token's RSA key has fewer than 2048 bits"),
  'key-malformed': invalid("The token's key cannot be read"),
  'key-ambiguous': invalid('More than one key of the issuer could have signed the token'),
  'key-unknown': invalid('The token was signed with a key that its issuer does not publish'),
  signature: invalid("The token's signature is wrong"),
  'claim-cnf': invalid('The token is bound to a sender, which is not supported'),
  'claim-exp-form': invalid('The token has no exp that is a point in time'),
  'claim-exp': invalid('The token has expired'),
  'claim-nbf-form': invalid("The token's nbf is not a point in time"),
  'claim-nbf': invalid('The token is not valid yet'),
  'claim-iat-form': invalid("The token's iat is not a point in time"),
  'claim-iat': invalid('The token was issued in the future'),
  'claim-aud-form': invalid("The token's audience is neither a string nor a list of strings"),
  'claim-aud': invalid("The token's audience is not accepted here"),
  'claim-required': invalid('The token lacks a claim that is required here'),
  'claim-sub': invalid('The token names no subject'),
  'claim-name-form': invalid('A name in the token is blank or has characters that no name may have'),
  'claim-list-form': invalid('A claim of the token is neither a string nor a list of strings'),
  'claim-container-form': invalid("The token's memory container is not a string"),
  'claim-foreign-prefix': invalid('A name in the token starts with the prefix of another issuer'),
} as const satisfies Record<string, CheckRow>

export type CheckId = keyof typeof CHECKS

/** The failure of a check; the log finds the check's id in its cause. */
export function refuse(check: CheckId): GatewayError {
  const row: CheckRow = CHECKS[check]
  return new GatewayError(row.code, { cause: { check }, ...(row.reason === undefined ? {} : { reason: row.reason }) })
}
