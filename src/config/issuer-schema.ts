import { z } from 'zod'

import { claim, duration } from './scalars.ts'

const ASYMMETRIC = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
] as const // prettier-ignore
const HMAC = ['HS256', 'HS384', 'HS512'] as const

/** Where an issuer's keys are. Exactly one of the keys is set. */
const keySource = {
  jwks: z
    .union([
      z.strictObject({ uri: z.url('must be the address of a key set') }),
      z.strictObject({ file: z.string().min(1, 'must be the path of a key set') }),
    ])
    .optional(),
  /** OpenID Connect discovery: `true` looks below the issuer, a string is the address of the document. */
  discovery: z.union([z.literal(true), z.url()]).optional(),
  /** An HMAC secret, base64url; as `file:PATH` or `${ENV}`. */
  secret: z.string().optional(),
}

/** Whose tokens are accepted. */
export const issuer = z
  .strictObject({
    issuer: z.string().min(1, 'must be the exact `iss` of the tokens'),
    audience: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .transform((value) => (typeof value === 'string' ? [value] : value)),
    algorithms: z
      .array(z.enum([...ASYMMETRIC, ...HMAC]))
      .min(1)
      .default(['ES256', 'RS256']),
    ...keySource,
    clockTolerance: duration('5s'),
    requiredClaims: z.array(claim).default([]),
    /** Accepted `typ` headers; an empty string admits tokens without one. */
    types: z.array(z.string()).min(1).default(['JWT', 'at+jwt', '']),
    claims: z
      .strictObject({
        subject: claim.default('sub'),
        scopes: claim.default('scope'),
        roles: claim.default('roles'),
        backendRoles: claim.default('backend_roles'),
        container: claim.default('memory_container'),
        containers: claim.default('containers'),
      })
      .prefault({}),
    /** Put before every name that this issuer's tokens yield. At most one issuer goes without. */
    namePrefix: z.string().default(''),
    keySet: z
      .strictObject({
        maxAge: duration('1h'),
        refreshBefore: duration('10m'),
        cooldown: duration('30s'),
        staleFor: duration('1h'),
        fetchTimeout: duration('5s'),
        maxBytes: z.int().min(1_024).default(262_144),
        maxKeys: z.int().min(1).default(100),
        /** A copy of the last good key set, so that a start does not depend on the key server. */
        diskPath: z.string().min(1).optional(),
        /** PEM file of the authorities that the key server's certificate may come from. */
        ca: z.string().min(1).optional(),
      })
      .prefault({}),
  })
  .superRefine((value, context) => {
    const sources = [value.jwks, value.discovery, value.secret].filter((source) => source !== undefined)
    if (sources.length === 1) return
    context.addIssue({
      code: 'custom',
      message: 'needs exactly one of jwks, discovery and secret: it says where the keys are',
    })
  })
