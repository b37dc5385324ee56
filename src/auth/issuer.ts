/** Where the keys of one issuer come from. */
export type KeysOptions =
  | { readonly kind: 'jwks'; readonly uri: string }
  | { readonly kind: 'discovery'; readonly uri?: string }
  /** `fingerprint`, where given, changes with the content of the file: another one makes it another set of keys. */
  | { readonly kind: 'file'; readonly path: string; readonly fingerprint?: string }
  | { readonly kind: 'secret'; readonly secret: Uint8Array }

/** The names of the claims that are read. A claim that a token does not have gives nothing, the subject apart. */
export interface ClaimNames {
  readonly subject: string
  readonly scopes: string
  readonly roles: string
  readonly backendRoles: string
  readonly container: string
  readonly containers: string
}

/** How a fetched key set is kept. Durations in milliseconds. */
export interface KeyCacheOptions {
  /** A set older than this is not used while its source answers: a removed key stops working within it. */
  readonly maxAgeMs: number
  /** How long before `maxAgeMs` is over the set is fetched again. */
  readonly refreshBeforeMs: number
  /** The least time between two fetches, failed ones included. */
  readonly cooldownMs: number
  /** How long beyond `maxAgeMs` the last good set is used while its source is down. */
  readonly staleForMs: number
  readonly fetchTimeoutMs: number
  readonly maxBytes: number
  readonly maxKeys: number
  /** File to keep the last good set in, so that a restart works while the source is down. */
  readonly diskPath?: string
  /** PEM text of the authorities to trust in place of the system's. */
  readonly ca?: string
}

/** One issuer whose tokens are accepted. */
export interface IssuerOptions {
  readonly issuer: string
  /** One of them must be in the token's `aud`. */
  readonly audience: readonly string[]
  readonly algorithms: readonly string[]
  readonly keys: KeysOptions
  readonly clockToleranceMs: number
  readonly requiredClaims: readonly string[]
  /** Accepted `typ`, without regard to case and to `application/` in front; `''` accepts a token without one. */
  readonly types: readonly string[]
  readonly claims: ClaimNames
  /** Other claims that are kept with the principal. */
  readonly keptClaims: readonly string[]
  /** Put in front of the subject and the roles; `''` for the one issuer with bare names. */
  readonly namePrefix: string
  readonly cache: KeyCacheOptions
}

/** The state of one issuer's keys, for readiness. Times in milliseconds since 1970. */
export interface KeySetHealth {
  readonly issuer: string
  readonly usable: boolean
  readonly fetchedAt: number | undefined
  readonly keys: number
  readonly lastError: string | undefined
}

/** What is worth a line in the log. */
export type AuthEvent =
  | { readonly kind: 'keysFetched'; readonly issuer: string; readonly keys: number; readonly changed: boolean }
  | { readonly kind: 'keysNotFetched'; readonly issuer: string; readonly error: string; readonly usable: boolean }
  | { readonly kind: 'keysReadFromDisk'; readonly issuer: string; readonly keys: number; readonly fetchedAt: number }
  | { readonly kind: 'diskCopyFailed'; readonly issuer: string; readonly error: string }
