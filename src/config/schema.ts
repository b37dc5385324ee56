import { z } from 'zod'

import { audit } from './audit-schema.ts'
import { cluster } from './cluster-schema.ts'
import { erasures } from './erasures-schema.ts'
import { guard } from './guard-schema.ts'
import { issuer } from './issuer-schema.ts'
import { legacy } from './legacy-schema.ts'
import { limits } from './limits-schema.ts'
import { listen, ops } from './listen-schema.ts'
import { log } from './log-schema.ts'
import { memory } from './memory-schema.ts'
import { receipts } from './receipts-schema.ts'
import { revocation } from './revocation-schema.ts'
import { route } from './route-schema.ts'
import { duration } from './scalars.ts'
import { idempotency, sharedState } from './shared-state-schema.ts'

/** The configuration file: a section, a file. */
export const schema = z.strictObject({
  listen,
  ops,
  auth: z.strictObject({
    issuers: z.array(issuer).min(1, 'needs at least one issuer'),
    /** How many verified tokens are remembered. */
    rememberedTokens: z.int().min(0).max(1_000_000).default(10_000),
  }),
  clusters: z
    .record(z.string().regex(/^[\w-]+$/, 'must be a name of letters, digits, - and _'), cluster)
    .refine((value) => Object.keys(value).length > 0, { message: 'needs at least one cluster' }),
  /** Which cluster a request goes to: the first route that takes it. Without any, the only cluster takes all. */
  routes: z.array(route).min(1).optional(),
  memory,
  legacy,
  guard,
  limits,
  /** Answers to deletes with an Idempotency-Key. */
  idempotency,
  /** A Redis or Valkey server that several gateways share; without its address each keeps its own in memory. */
  sharedState,
  audit,
  receipts,
  revocation,
  erasures,
  /** Taking up changes of this file, and of those that it names, while the gateway runs. */
  reload: z
    .strictObject({
      /** Without it on SIGHUP and `POST /reload` alone. */
      watch: z.boolean().default(true),
      /** How often the files are looked at. */
      interval: duration('5s'),
    })
    .prefault({}),
  log,
})

export type ConfigFile = z.output<typeof schema>
export type ConfigInput = z.input<typeof schema>
