import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'

import { collect, isCollecting } from './collected.ts'

/** Most spans say what others have said already: those are collected once, as long as there are not too many to remember. */
const MOST_REMEMBERED = 10_000
const said = new Set<string>()

const collector: SpanProcessor = {
  onStart: () => undefined,
  onEnd({ name, attributes, events, links, status }) {
    const told = events.map((event) => ({ name: event.name, attributes: event.attributes }))
    const text = JSON.stringify({ name, attributes, told, links: links.map((link) => link.attributes), status })
    if (said.has(text)) return
    if (said.size >= MOST_REMEMBERED) said.clear()
    said.add(text)
    collect('span', text)
  },
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

let registered: Promise<void> | undefined

/** From now on the gateways of this suite, or of this process, make spans with the real SDK, and those are collected. */
export function collectTraces(): Promise<void> {
  return (registered ??= isCollecting() ? register() : Promise.resolve())
}

async function register(): Promise<void> {
  // Loaded where it is used: a suite without a gateway need not.
  const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
  new NodeTracerProvider({ spanProcessors: [collector] }).register()
}
