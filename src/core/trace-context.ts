/** What goes on of a caller's trace (W3C Trace Context, level 1), and what a span of ours would be made of. */
export interface TraceContext {
  /** As it goes to the next hop. */
  readonly traceparent: string
  readonly traceId: string
  /** Ours: the parent of whatever comes behind us. */
  readonly spanId: string
  /** The caller's span, where the trace is the caller's. */
  readonly parentId: string | undefined
  readonly isSampled: boolean
}

/** Ids of chance for a trace that begins here: 16 and 8 bytes, in lower-case hexadecimal. */
export interface FreshIds {
  readonly traceId: string
  readonly spanId: string
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const SAMPLED = 0x01

/**
 * Continues the trace that a request belongs to under a span id of ours, or begins one, not sampled, where the request names none that is
 * valid. Of two `traceparent` headers neither counts. A later version than 00 is read as far as it is known (section 4.3).
 */
export function continueTrace(traceparents: readonly string[], fresh: FreshIds): TraceContext {
  const only = traceparents.length === 1 ? traceparents[0] : undefined
  const [version, traceId, parentId, flags, rest] = TRACEPARENT.exec(only ?? '')?.slice(1) ?? []
  const isValid =
    traceId !== undefined &&
    version !== 'ff' &&
    (version !== '00' || rest === undefined) &&
    !/^0+$/.test(traceId) &&
    !/^0+$/.test(parentId ?? '')
  if (!isValid) return { ...worded(fresh.traceId, fresh.spanId, false), parentId: undefined }
  return { ...worded(traceId, fresh.spanId, (Number.parseInt(flags ?? '', 16) & SAMPLED) !== 0), parentId }
}

function worded(traceId: string, spanId: string, isSampled: boolean): Omit<TraceContext, 'parentId'> {
  return { traceparent: `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`, traceId, spanId, isSampled }
}
