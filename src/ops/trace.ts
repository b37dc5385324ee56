import {
  context,
  createContextKey,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { Context, Span, Tracer, TracerProvider } from '@opentelemetry/api'

import { FAILURES, GatewayError } from '../core/failure.ts'
import { continueTrace } from '../core/trace-context.ts'
import type { ArrivedRequest, BatchMember, SpanAttributes, Tracing } from '../core/tracing.ts'

const NAME = 'opensearch-memory-gateway'

/** Traces by OpenTelemetry; `undefined` where the operator has registered no SDK. Asked once for each configuration, so that nothing is made in vain. */
export function openTracing(): Tracing | undefined {
  const provider: TracerProvider & { readonly getDelegateTracer?: (name: string) => Tracer | undefined } =
    trace.getTracerProvider()
  // The API stands in for an SDK that may still come; one that is loaded with `node --import` is there by now.
  const isStandIn = provider.getDelegateTracer !== undefined && provider.getDelegateTracer(NAME) === undefined
  return isStandIn ? undefined : tracingWith(provider.getTracer(NAME))
}

/** How long a collector may keep a gateway from ending. */
const FLUSH_MS = 5_000

/** Has what is left exported, where the SDK can. Never rejects. */
export async function flushTraces(): Promise<void> {
  const registered: TracerProvider & { readonly getDelegate?: () => TracerProvider } = trace.getTracerProvider()
  const provider: TracerProvider & { readonly forceFlush?: () => Promise<void> } =
    registered.getDelegate?.() ?? registered
  if (provider.forceFlush === undefined) return
  const late = AbortSignal.timeout(FLUSH_MS)
  const given = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve(), { once: true }))
  await Promise.race([provider.forceFlush(), given]).catch(() => undefined)
}

/** What a span's context carries for ours to find: timers that a request has set go on for longer than the request. */
const UNDER_WAY = createContextKey('span of the gateway that is under way')

interface UnderWay {
  readonly span: Span
  isOver: boolean
}

class Member implements BatchMember {
  readonly span: Span
  readonly #wait: Span
  #isWaiting = true

  constructor(span: Span, wait: Span) {
    this.span = span
    this.#wait = wait
  }

  left(): void {
    if (this.#isWaiting) this.#wait.end()
    this.#isWaiting = false
  }
}

function tracingWith(tracer: Tracer): Tracing {
  function enter<Value>(parent: Context, under: UnderWay, work: () => Value): Value {
    return context.with(trace.setSpan(parent, under.span).setValue(UNDER_WAY, under), work)
  }

  async function run<Value>(parent: Context, span: Span, work: () => Promise<Value>): Promise<Value> {
    const under = { span, isOver: false }
    try {
      return await enter(parent, under, work)
    } catch (error) {
      tellFailure(span, error)
      throw error
    } finally {
      under.isOver = true
      span.end()
    }
  }

  return {
    request(arrived, work) {
      const parent = parentOf(arrived)
      const { name, attributes } = describeRequest(arrived)
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
      const under = { span, isOver: false }
      const end = (ending: SpanAttributes): void => {
        under.isOver = true
        span.setAttributes(ending)
        const status = Number(ending['http.response.status_code'])
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', String(status))
        const route = ending['memory_gateway.route']
        if (route !== undefined) span.updateName(`${name} ${String(route)}`)
        span.end()
      }
      return enter(parent, under, () => work(end))
    },
    within: (name, work) => run(context.active(), tracer.startSpan(name), work),
    queued(name, work) {
      const span = tracer.startSpan(name)
      const wait = tracer.startSpan('wait', {}, trace.setSpan(context.active(), span))
      const member = new Member(span, wait)
      return run(context.active(), span, () => work(member).finally(() => member.left()))
    },
    batch(name, members, attributes, work) {
      const spans = members.flatMap((member) => (member instanceof Member ? [member.span] : []))
      const [first, ...others] = spans
      for (const member of members) member.left()
      if (first === undefined) return work()
      const links = others.map((other) => ({ context: other.spanContext() }))
      const parent = trace.setSpan(ROOT_CONTEXT, first)
      const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, links, attributes }, parent)
      for (const other of others) other.addLink({ context: span.spanContext() })
      return run(parent, span, work)
    },
    forward(headers, attributes, work) {
      const span = tracer.startSpan('forward', { kind: SpanKind.CLIENT, attributes })
      return run(context.active(), span, async () => {
        span.setAttribute('http.response.status_code', await work(withTrace(headers, span)))
      })
    },
    outgoing() {
      const under = context.active().getValue(UNDER_WAY) as UnderWay | undefined
      return under === undefined || under.isOver ? {} : { traceparent: traceparentOf(under.span) }
    },
  }
}

/** RFC 9110 section 9 and RFC 5789: others are named as one, or a caller could make names of spans. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT'])

/** By the semantic conventions of HTTP servers; of the target nothing is told, since it may hold names and queries. */
function describeRequest({ method, scheme, httpVersion, requestId }: ArrivedRequest) {
  const known = METHODS.has(method)
  const attributes = {
    'http.request.method': known ? method : '_OTHER',
    'url.scheme': scheme,
    'network.protocol.version': httpVersion,
    'memory_gateway.request_id': requestId,
  }
  return { name: known ? method : 'HTTP', attributes }
}

/** What the header boundary would believe of the caller's trace. */
function parentOf({ traceparents, tracestates }: ArrivedRequest): Context {
  const { traceId, parentId, isSampled } = continueTrace(traceparents, { traceId: '', spanId: '' })
  if (parentId === undefined) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: parentId,
    traceFlags: isSampled ? 1 : 0,
    isRemote: true,
    ...(tracestates.length === 0 ? {} : { traceState: createTraceState(tracestates.join(',')) }),
  })
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** The same headers in the same order, but of the trace: there the span speaks. A state that the SDK has left alone goes on as it came. */
function withTrace(headers: readonly string[], span: Span): readonly string[] {
  const state = span.spanContext().traceState?.serialize() ?? ''
  const isAsItCame = state === createTraceState(valuesOf(headers, 'tracestate').join(',')).serialize()
  const settled = headers.flatMap((name, position): string[] => {
    if (position % 2 === 1) return []
    const lower = name.toLowerCase()
    if (lower === 'traceparent') return [name, traceparentOf(span)]
    return lower === 'tracestate' && !isAsItCame ? [] : [name, headers[position + 1] ?? '']
  })
  return isAsItCame || state === '' ? settled : [...settled, 'tracestate', state]
}

function valuesOf(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, position) => position % 2 === 1 && headers[position - 1]?.toLowerCase() === name)
}

/** The code of a failure, and never its words: they quote callers. */
function tellFailure(span: Span, error: unknown): void {
  const code = error instanceof GatewayError ? error.code : 'internal'
  span.setAttribute('error.type', code)
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: error instanceof GatewayError ? FAILURES[error.code].source : 'gateway',
  })
}
