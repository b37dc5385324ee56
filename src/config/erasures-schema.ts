import { z } from 'zod'

import { duration } from './scalars.ts'

/** Deleting all memories of one person. */
export const erasures = z
  .strictObject({
    /** The cluster whose index keeps the erasures; `/erasures` on the ops port is off without it. */
    cluster: z.string().min(1).optional(),
    /** Made on first use. Only `opensearch:admin` reaches it. */
    index: z
      .string()
      .regex(/^[a-z.][\w.-]*$/, 'must be the name of an index, lower-case')
      .refine((name) => name === name.toLowerCase(), 'must be the name of an index, lower-case')
      .default('.memory-gateway-erasures'),
    /** Memories deleted a second, of each shard; 0 for no limit. */
    requestsPerSecond: z.int().min(0).default(0),
    /** Into how many parts the cluster cuts the work on each shard. */
    slices: z.union([z.literal('auto'), z.int().min(1).max(100)]).default(1),
    /** How often progress is asked for. */
    interval: duration('1s'),
    /** An erasure whose gateway has said nothing for so long is taken up by another. */
    lease: duration('30s'),
    /** For a plan, and for a verification. */
    deadline: duration('30m'),
  })
  .prefault({})
  .refine(({ lease, interval }) => interval > 0 && lease >= 3 * interval, {
    path: ['lease'],
    message: 'must be three times the interval or more',
  })
