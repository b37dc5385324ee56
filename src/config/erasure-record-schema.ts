import { z } from 'zod'

import { restoreBackingIndex } from '../core/backing-index.ts'
import type { ErasureRecord } from '../core/erasure/record.ts'
import { MEMORY_TYPES } from '../core/memory.ts'

const count = z.int().min(0)
/** Goes into queries as a number: a whole one that a double may not hold. */
const sequenceNumber = z.string().regex(/^-?\d{1,19}$/, 'must be a sequence number')
const time = z.iso.datetime()

const task = z.strictObject({
  shard: count,
  seqNo: sequenceNumber,
  task: z
    .string()
    .regex(/^[\w-]+:\d+$/, 'must be a task of a cluster')
    .exactOptional(),
  after: sequenceNumber.exactOptional(),
  deleted: count,
  isDone: z.boolean(),
  failures: count,
})

const part = z
  .strictObject({
    cluster: z.string().min(1),
    container: z.string().min(1),
    type: z.enum(MEMORY_TYPES),
    index: z.string(),
    total: count,
    deleted: count,
    state: z.enum(['planned', 'running', 'done', 'failed', 'cancelled']),
    tasks: z.array(task),
    stay: z.array(z.string().min(1)).exactOptional(),
    witnesses: z.array(z.strictObject({ id: z.string().min(1), routing: z.string().exactOptional() })),
  })
  .transform(({ index: name, ...rest }, context) => {
    const index = restoreBackingIndex(name, rest.type)
    if (index !== undefined) return { ...rest, index }
    context.addIssue({ code: 'custom', path: ['index'], message: 'must be the index of a memory container' })
    return z.NEVER
  })

/** Strict: what another version of the gateway has added may say what to leave. */
const record: z.ZodType<ErasureRecord> = z.strictObject({
  id: z.string().min(1),
  subject: z.string().min(1),
  issuer: z.string().exactOptional(),
  person: z.strictObject({ name: z.string().min(1), namespace: z.record(z.string(), z.string()) }),
  state: z.enum(['planned', 'running', 'verifying', 'done', 'failed', 'cancelled']),
  createdAt: time,
  updatedAt: time,
  appliedAt: time.exactOptional(),
  hash: z.string().min(1),
  total: count,
  deleted: count,
  containers: count,
  indices: count,
  parts: z.array(part),
  driver: z.string().exactOptional(),
  isCancelling: z.literal(true).exactOptional(),
  receipt: z.string().exactOptional(),
  reason: z.string().exactOptional(),
})

/**
 * Reads an erasure as its index keeps it.
 * @returns what does not fit, without what stands there
 */
export function parseErasureRecord(value: unknown): ErasureRecord | string {
  const parsed = record.safeParse(value)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  const path = first?.path.join('.') ?? ''
  return `${path === '' ? 'it' : path}: ${first?.message ?? 'not an erasure'}`
}
