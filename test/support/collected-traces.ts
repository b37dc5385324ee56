import { trace, TraceFlags } from '@opentelemetry/api'
import type { ReadableSpan, Sampler, SpanProcessor } from '@opentelemetry/sdk-trace-node'

import { collect, collectFind, isCollecting } from './collected.ts'
import { describeFind, findsIn, forbiddenHere } from './planted.ts'

/** Most spans say what others have said already: those are collected once, as long as there are not too many to remember. */
const MOST_REMEMBERED = 10_000
const said = new Set<string>()

/** To be looked at with all else, or as each ends: where memory or time is measured, nothing is kept. */
export type Spans = 'kept' | 'looked at as they end'

function collectorOf(spans: Spans): SpanProcessor {
  const take = spans === 'kept' ? keep : look
  return {
    onStart: () => undefined,
    onEnd: (span) => take(textOf(span)),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
}

function textOf({ name, attributes, events, links, status }: ReadableSpan): string {
  const told = events.map((event) => ({ name: event.name, attributes: event.attributes }))
  return JSON.stringify({ name, attributes, told, links: links.map((link) => link.attributes), status })
}

function keep(text: string): void {
  if (said.has(text)) return
  if (said.size >= MOST_REMEMBERED) said.clear()
  said.add(text)
  collect('span', text)
}

function look(text: string): void {
  for (const find of findsIn(text, forbiddenHere().toReadersOnly)) collectFind(describeFind(find, 'span', text))
}

let registered: Promise<void> | undefined

/** From now on the gateways of this suite, or of this process, make spans with the real SDK, and those are collected. */
export function collectTraces(spans: Spans = 'kept'): Promise<void> {
  return (registered ??= isCollecting() ? register(spans) : Promise.resolve())
}

async function register(spans: Spans): Promise<void> {
  // Loaded where it is used: a suite without a gateway need not.
  const { NodeTracerProvider, SamplingDecision } = await import('@opentelemetry/sdk-trace-node')
  /** Every span is made, and only those go on as sampled that came so: what nodes get is what they get without an SDK. */
  const sampler: Sampler = {
    shouldSample(parent) {
      const flags = trace.getSpanContext(parent)?.traceFlags ?? TraceFlags.NONE
      const isSampled = (flags & TraceFlags.SAMPLED) !== 0
      return { decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD }
    },
  }
  new NodeTracerProvider({ sampler, spanProcessors: [collectorOf(spans)] }).register()
}
