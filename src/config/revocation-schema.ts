import { z } from 'zod'

import { duration } from './scalars.ts'

const index = z.strictObject({
  /** Of those in `clusters`; asked as its service identity. Needed where there are several. */
  cluster: z.string().min(1).optional(),
  /** Made by the gateway where it is not there. The dot keeps it from callers. */
  name: z
    .string()
    .regex(/^\.[a-z0-9][\w.-]*$/, 'must be the name of an index that begins with a dot, lower-case')
    .max(255)
    .default('.memory-gateway-revocations'),
})

/** Tokens that are refused though they are good otherwise. */
export const revocation = z
  .strictObject({
    /** The deny list, one JSON object a line; several gateways may share it. */
    file: z.string().min(1).optional(),
    /** The deny list in an index of a cluster in place of a file: one for all gateways of that cluster. */
    index: index.optional(),
    /** How often it is read: within that, and three seconds, an entry is in force. */
    interval: duration('2s'),
    /** Whether `POST /revocations` on the ops port adds to it, and what is over is taken out of it; needs `ops.token`. */
    accept: z.boolean().default(false),
  })
  .prefault({})
  .refine((value) => !value.accept || value.file !== undefined || value.index !== undefined, {
    path: ['accept'],
    message: 'needs file or index: where to add to',
  })
  .refine((value) => value.file === undefined || value.index === undefined, {
    path: ['index'],
    message: 'cannot be had beside file: the list is kept in one place',
  })
  .refine(({ interval }) => interval > 0 && interval <= 60_000, { path: ['interval'], message: 'must be at most 1m' })
