import { z } from 'zod'

const origin = z
  .string()
  .refine(
    (text) =>
      text === '*' ||
      (URL.canParse(text) && new URL(text).origin === text) ||
      /^[a-z-]+-extension:\/\/[\w-]+$/.test(text),
    {
      message: 'must be an origin as browsers send it, as in https://app.example, or * for any',
    },
  )

/** The dialect of MemoryPlugin. */
export const legacy = z
  .strictObject({
    /** The container of legacy callers whose token names none. */
    container: z.string().min(1).optional(),
    types: z
      .array(z.enum(['sessions', 'working', 'long-term', 'history']))
      .min(1)
      .default(['long-term', 'working', 'sessions', 'history']),
    missing: z.union([z.literal(200), z.literal(404)]).default(404),
    /** `POST /api/memories/bulk-delete`: ids and bytes of one request at most. */
    bulk: z
      .strictObject({
        maxIds: z.int().min(1).max(10_000).default(1_000),
        maxBytes: z.int().min(1_024).default(1_048_576),
      })
      .prefault({}),
    cors: z.strictObject({ origins: z.array(origin).default([]) }).prefault({}),
  })
  .prefault({})
