import { afterAll, beforeAll } from '@jest/globals'
import { context, trace } from '@opentelemetry/api'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'

import { collect } from './collected.ts'

const collector: SpanProcessor = {
  onStart: () => undefined,
  onEnd({ name, attributes, events, status }) {
    collect('span', JSON.stringify({ name, attributes, events, status }))
  },
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
}

/** Has the gateways of a suite make spans with the real SDK, and collects them. To be called before the suite's own hooks. */
export function collectTraces(): void {
  const provider = new NodeTracerProvider({ spanProcessors: [collector] })
  beforeAll(() => provider.register())
  afterAll(async () => {
    await provider.shutdown()
    trace.disable()
    context.disable()
  })
}
