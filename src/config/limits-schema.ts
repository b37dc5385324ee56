import { z } from 'zod'

import { duration } from './scalars.ts'

export const limits = z
  .strictObject({
    /** For a memory request as a whole, cluster included. */
    deadline: duration('10s'),
    /** For a delete by query, or of a container, as a whole. */
    queryDeadline: duration('5m'),
    /** Of the body of a delete by query. */
    queryBytes: z.int().min(1_024).default(1_048_576),
    headersTimeout: duration('10s'),
    /** For a request to arrive whole, body included. */
    requestTimeout: duration('10m'),
    connections: z.int().min(1).default(10_000),
    /** Requests under way at once, on all connections. */
    inFlight: z.int().min(1).default(5_000),
    /** Of the body of a request that is passed through; no limit of ours where absent. */
    bodyBytes: z.int().min(1).optional(),
    /** Of one subject, in memory or together in the shared state; 0 for no limit. */
    deletes: z
      .strictObject({
        perMinute: z.int().min(0).default(0),
        /** Beyond it the token must hold `memory:delete:many`. */
        manyAfter: z.int().min(0).default(0),
      })
      .prefault({}),
    headerBytes: z.int().min(1_024).max(1_048_576).default(16_384),
    /** How long requests are still taken, while `/readyz` says no, once the gateway was told to stop: as long as balancers need to notice. */
    drainDelay: duration('0s'),
    /** How long requests under way may take to finish once the gateway was told to stop. */
    drain: duration('30s'),
  })
  .prefault({})
