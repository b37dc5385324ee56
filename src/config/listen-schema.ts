import { z } from 'zod'

import { addressRange, duration, port } from './scalars.ts'

/** The two ports. */
export const listen = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: port.default(8080),
    /** PEM files of the certificate, with its chain, and of its key: HTTPS with HTTP/2 and HTTP/1.1. */
    tls: z.strictObject({ cert: z.string().min(1), key: z.string().min(1), reread: duration('10s') }).optional(),
    /** Whose `X-Forwarded-*` and `Forwarded` are believed. */
    trustedProxies: z.array(addressRange).default([]),
  })
  .prefault({})

export const ops = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: port.default(9090),
    /** Who may ask more than probes and metrics there; as `file:PATH` or `${ENV}`. Off loopback nobody may without one. */
    token: z
      .string()
      .refine((text) => /^[\x21-\x7e]{16,}$/.test(text), 'must be 16 or more visible ASCII characters, without spaces')
      .optional(),
  })
  .prefault({})
