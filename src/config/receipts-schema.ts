import { z } from 'zod'

/** Signed statements of what was deleted. */
export const receipts = z
  .strictObject({
    mode: z.enum(['on', 'off']).default('off'),
    /** JWKs on P-256, as `file:PATH` or `${ENV}`: the first is private and signs, the others stay published. They sign the audit too. */
    keys: z.array(z.string().min(1)).default([]),
    /** Whether a receipt has a memory's id, or its SHA-256. */
    ids: z.enum(['plain', 'hashed']).default('plain'),
    /** Who signs, in the claim `iss`. */
    issuer: z.string().min(1).default('memory-gateway'),
  })
  .prefault({})
  .refine(({ mode, keys }) => mode === 'off' || keys.length > 0, {
    path: ['keys'],
    message: 'needs a key with mode: on; memory-gateway receipt new-key FILE makes one',
  })
