import { z } from 'zod'

import { duration } from './scalars.ts'

/** The record of every delete. */
export const audit = z
  .strictObject({
    sink: z.enum(['off', 'file', 'stdout']).default('off'),
    /** Appended to, and opened anew when it was renamed; each gateway needs its own. */
    file: z.string().min(1).optional(),
    /** No delete without its record: one that cannot be recorded is refused before it is made. */
    required: z.boolean().default(false),
    /** When records are on the disk: before their deletes are made, every so often, or when the system likes. */
    fsync: z.enum(['always', 'interval', 'never']).default('interval'),
    fsyncInterval: duration('1s'),
    /** Longest wait of a delete for its record. */
    timeout: duration('2s'),
    /** Records that wait while none can be written; more are lost, and counted. */
    maxWaiting: z.int().min(1).max(1_000_000).default(10_000),
    /** Refusals of callers without a good token that have a record of their own, in a second; the rest are listed in one. */
    anonymousRefusals: z.int().min(0).max(100_000).default(10),
    /** The gateway's lasting name in its records; that of the host by default. */
    writer: z
      .string()
      .regex(/^[\w.:-]{1,128}$/, 'must be a name of letters, digits and _ . : -')
      .optional(),
    /** A signature after so many records, or so long after one, where receipts have a key. */
    checkpoint: z.strictObject({ records: z.int().min(1).default(1_000), after: duration('10s') }).prefault({}),
  })
  .prefault({})
  .superRefine(({ required, sink, file, fsync }, context) => {
    if (sink === 'file' && file === undefined) {
      context.addIssue({ code: 'custom', path: ['file'], message: 'is needed with sink: file' })
    }
    if (!required || (sink === 'file' && fsync === 'always')) return
    const message = 'needs sink: file and fsync: always: nothing else is durable before the delete is made'
    context.addIssue({ code: 'custom', path: ['required'], message })
  })
