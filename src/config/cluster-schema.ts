import { z } from 'zod'

import { duration, nodeUrl } from './scalars.ts'

const service = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('basic'), username: z.string().min(1), password: z.string().min(1) }),
  z.strictObject({ kind: z.literal('bearer'), token: z.string().min(1) }),
  z.strictObject({ kind: z.literal('clientCertificate'), cert: z.string().min(1), key: z.string().min(1) }),
])

export const cluster = z.strictObject({
  nodes: z
    .array(nodeUrl)
    .min(1, 'needs at least one node')
    .refine((nodes) => new Set(nodes).size === nodes.length, 'names a node twice'),
  tls: z.strictObject({ ca: z.string().min(1).optional() }).prefault({}),
  service,
  passThrough: z
    .strictObject({
      identity: z.enum(['caller', 'proxyHeaders', 'service']).default('caller'),
      /** PEM files of the pair that proxyHeaders connects with. */
      cert: z.string().min(1).optional(),
      key: z.string().min(1).optional(),
      engine: z.enum(['undici', 'http-proxy-middleware']).default('undici'),
      /** Whether callers may choose their tenant of OpenSearch Dashboards by `securitytenant`. */
      allowTenantHeader: z.boolean().default(false),
    })
    .superRefine(({ identity, cert, key }, context) => {
      const given = [cert, key].filter((file) => file !== undefined).length
      if (given === (identity === 'proxyHeaders' ? 2 : 0)) return
      const message =
        identity === 'proxyHeaders'
          ? 'needs cert and key with identity proxyHeaders: whoever connects may say who is calling'
          : 'takes cert and key only with identity proxyHeaders'
      context.addIssue({ code: 'custom', message })
    })
    .prefault({}),
  connectTimeout: duration('2s'),
  /** Longest silence of a node in a request of the gateway's own before another node is asked. */
  attemptTimeout: duration('3s'),
  /** When a node gets no requests for a while, where there are others. */
  ejection: z
    .strictObject({
      /** Connection failures and answers of 502, 503 and 504 in a row. */
      failures: z.int().min(1).max(1_000).default(3),
      /** The first time; it doubles from time to time, up to maxBackoff. */
      backoff: duration('1s'),
      maxBackoff: duration('30s'),
      /** How often it is seen whether a node is to be asked if it is well. */
      checkInterval: duration('1s'),
    })
    .prefault({}),
  /** How many requests may be sent to another node as well. */
  retryBudget: z
    .strictObject({
      /** For each hundred requests. */
      percent: z.int().min(0).max(100).default(20),
      /** A second, however few requests there are. */
      perSecond: z.int().min(0).max(10_000).default(10),
    })
    .prefault({}),
  /** Below the idle time of the nodes, and of any balancer before them. */
  idleTimeout: duration('4s'),
  /** Longest silence of a node in a passed-through answer, and longest time in which its caller takes nothing of it. */
  silenceTimeout: duration('5m'),
  maxConnections: z.int().min(1).max(10_000).default(256),
  /** So many memory requests in a row without a word from the cluster, and callers are refused at once for the cooldown. */
  circuit: z.strictObject({ failures: z.int().min(1).default(5), cooldown: duration('1s') }).prefault({}),
})
