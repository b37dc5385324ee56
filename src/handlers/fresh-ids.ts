import { randomFillSync } from 'node:crypto'

import type { FreshIds } from '../core/trace-context.ts'

const TRACE_ID_BYTES = 16
const SPAN_ID_BYTES = 8
const drawn = Buffer.allocUnsafe(256 * (TRACE_ID_BYTES + SPAN_ID_BYTES))
let used = drawn.length

/** Ids of chance for one request, drawn for many at a time: two draws for each were a twentieth of a forwarded request's CPU. */
export function freshIds(): FreshIds {
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  const endOfTrace = used + TRACE_ID_BYTES
  const endOfSpan = endOfTrace + SPAN_ID_BYTES
  const ids = { traceId: drawn.toString('hex', used, endOfTrace), spanId: drawn.toString('hex', endOfTrace, endOfSpan) }
  used = endOfSpan
  return ids
}
