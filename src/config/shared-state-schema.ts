import { z } from 'zod'

import { duration } from './scalars.ts'

export const idempotency = z
  .strictObject({
    keepFor: duration('10m'),
    /** In memory; a shared state is bounded by its server. */
    maxAnswers: z.int().min(1).default(10_000),
    maxBytes: z.int().min(1_024).default(16_777_216),
  })
  .prefault({})

export const sharedState = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\/[^\s@]+$/, 'must be redis://HOST:PORT or rediss://HOST:PORT, without a password')
      .optional(),
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    /** PEM files: the authorities that the server's certificate may come from, and a client's pair where the server asks for one. */
    tls: z
      .strictObject({
        ca: z.string().min(1).optional(),
        cert: z.string().min(1).optional(),
        key: z.string().min(1).optional(),
      })
      .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'takes cert and key together')
      .optional(),
    keyPrefix: z.string().default('memory-gateway:'),
    timeout: duration('500ms'),
  })
  .refine(({ url, tls }) => tls === undefined || url?.startsWith('rediss://') === true, {
    path: ['tls'],
    message: 'is of use only with a url that begins with rediss://',
  })
  .prefault({})
