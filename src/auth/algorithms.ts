interface AlgorithmRow {
  /** The type of key that the algorithm takes, and the curve where it fixes one. */
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'oct'
  readonly crv?: string
  /** RFC 7518 section 3.2: an HMAC key has at least as many bytes as the hash. */
  readonly secretBytes?: number
}

const ALGORITHMS: Readonly<Record<string, AlgorithmRow>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
  HS256: { kty: 'oct', secretBytes: 32 },
  HS384: { kty: 'oct', secretBytes: 48 },
  HS512: { kty: 'oct', secretBytes: 64 },
}

export const ALGORITHM_NAMES: readonly string[] = Object.keys(ALGORITHMS)

/** What is known of a JWS algorithm (RFC 7518 section 3, RFC 8037, RFC 9864); `undefined` for `none` and for any other name. */
export function algorithmNamed(name: string): AlgorithmRow | undefined {
  return Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined
}
