import { z } from 'zod'

export const log = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    /** How access lines name callers. */
    subject: z.enum(['plain', 'hash', 'none']).default('plain'),
    /** Of the hashes; as `file:PATH` or `${ENV}`. */
    subjectKey: z
      .string()
      .refine((text) => text.length >= 16, 'must be 16 or more characters')
      .optional(),
  })
  .refine(({ subject, subjectKey }) => subject !== 'hash' || subjectKey !== undefined, {
    path: ['subjectKey'],
    message: 'is needed with subject: hash; who knows it can tell whose hash it is, so keep it as a secret',
  })
  .prefault({})
