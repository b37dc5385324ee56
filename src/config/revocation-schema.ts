import { z } from 'zod'

import { duration } from './scalars.ts'

/** Tokens that are refused though they are good otherwise. */
export const revocation = z
  .strictObject({
    /** The deny list, one JSON object a line; several gateways may share it. */
    file: z.string().min(1).optional(),
    /** How often it is read: within that, and the time to read it, an entry is in force. */
    interval: duration('2s'),
    /** Whether `POST /revocations` on the ops port adds to it; needs `ops.token`. */
    accept: z.boolean().default(false),
  })
  .prefault({})
  .refine(({ accept, file }) => !accept || file !== undefined, {
    path: ['file'],
    message: 'is needed with accept: true',
  })
  .refine(({ interval }) => interval > 0 && interval <= 60_000, { path: ['interval'], message: 'must be at most 1m' })
