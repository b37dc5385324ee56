import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { collect } from '../support/collected.ts'
import { bulk, cutBefore, multiGet, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy, SeenRequest } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

const memories = testMemories(plainCluster().url)
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const EXAMPLE = join(import.meta.dirname, '../../config/examples/tracing.js')
const SAMPLED = `00-${TRACE}-${PARENT}-01`
const TEXT = 'a-memory-that-no-trace-may-hold'
let proxy: FaultProxy

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await proxy.close()
  await memories.removeAll()
})

const start = (): Promise<TestGateway> =>
  startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    spans: 'none',
  })

const putMemory = (id: string): Promise<void> =>
  memories.putMemory('working', id, { memory_container_id: 'c', owner_id: 'alice', text: TEXT })

const pathOf = (id: string): string => `/_plugins/_ml/memory_containers/c/memories/working/${id}`

const seen = (match: (request: SeenRequest) => boolean): SeenRequest => {
  const [first, ...others] = proxy.requests.filter(match)
  if (first === undefined || others.length > 0) throw new Error(`${String(others.length)} others`)
  return first
}

describe('without an SDK', () => {
  test('no span is made, nor anything asked of a tracer, and the cluster is told of no trace', async () => {
    const made = jest.spyOn(trace.getTracerProvider(), 'getTracer')
    const entered = jest.spyOn(context, 'with')
    const gateway = await start()
    try {
      const token = await gateway.token({ scopes: ['memory:delete', 'opensearch:admin'] })
      await putMemory('quiet')
      expect((await call(gateway.url, { method: 'DELETE', path: pathOf('quiet'), token })).status).toBe(200)
      expect((await call(gateway.url, { path: '/_cluster/health', token })).status).toBe(200)
      expect(proxy.requests.filter(bulk).map(({ headers }) => headers['traceparent'])).toEqual([undefined])
      expect([made.mock.calls, entered.mock.calls]).toEqual([[], []])
    } finally {
      made.mockRestore()
      entered.mockRestore()
      await gateway.close()
    }
  })
})

describe('with the OpenTelemetry SDK', () => {
  const exporter = new InMemorySpanExporter()
  let provider: NodeTracerProvider
  let gateway: TestGateway

  beforeAll(async () => {
    provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    provider.register()
    gateway = await start()
  })
  afterEach(() => {
    const told = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
    collect('span', JSON.stringify(told))
    exporter.reset()
  })
  afterAll(async () => {
    await gateway.close()
    await provider.shutdown()
    trace.disable()
    context.disable()
  })

  interface Asked {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly scopes?: readonly string[]
  }

  async function ask(
    path: string,
    { method = 'GET', headers = {}, scopes = ['opensearch:admin'] }: Asked = {},
  ): Promise<Reply> {
    return call(gateway.url, { method, path, headers, token: await gateway.token({ scopes }) })
  }

  const remove = (id: string, traceparent = SAMPLED): Promise<Reply> =>
    ask(pathOf(id), { method: 'DELETE', headers: { traceparent }, scopes: ['memory:delete'] })

  /** All spans, once as many of these have ended. */
  async function spans(name: string, count = 1): Promise<readonly ReadableSpan[]> {
    await until(() => exporter.getFinishedSpans().filter((span) => span.name === name).length === count)
    return exporter.getFinishedSpans()
  }

  function only(all: readonly ReadableSpan[], name: string, within?: ReadableSpan): ReadableSpan {
    const named = all.filter(
      (span) => span.name === name && (within === undefined || span.parentSpanContext?.spanId === idOf(within)),
    )
    expect(named).toHaveLength(1)
    const [span] = named
    if (span === undefined) throw new Error(`no span ${name}`)
    return span
  }

  const idOf = (span: ReadableSpan): string => span.spanContext().spanId

  test("a delete is one trace, the caller's own: verify, look, wait and remove under the request, and the cluster hears of it", async () => {
    await putMemory('one')
    expect((await remove('one')).status).toBe(200)
    const all = await spans('DELETE deleteMemory')
    expect(new Set(all.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]))

    const request = only(all, 'DELETE deleteMemory')
    expect(request).toMatchObject({
      kind: SpanKind.SERVER,
      parentSpanContext: { spanId: PARENT, isRemote: true },
      attributes: {
        'http.request.method': 'DELETE',
        'http.response.status_code': 200,
        'url.scheme': 'http',
        'network.protocol.version': '1.1',
        'memory_gateway.route': 'deleteMemory',
        'memory_gateway.outcome': 'deleted',
      },
      status: { code: SpanStatusCode.UNSET },
    })
    only(all, 'verify', request)
    // The first look at a container finds out how it names its indices.
    const looks = all.filter(({ name }) => name === 'look')
    expect(looks.length).toBeGreaterThan(0)
    for (const look of looks) {
      expect(look.parentSpanContext?.spanId).toBe(idOf(request))
      only(all, 'wait', look)
      only(all, 'look batch', look)
    }
    const removal = only(all, 'remove', request)
    only(all, 'wait', removal)
    const batch = only(all, 'remove batch', removal)
    expect(batch).toMatchObject({
      kind: SpanKind.CLIENT,
      links: [],
      attributes: { 'db.system.name': 'opensearch', 'db.operation.name': 'bulk', 'db.operation.batch.size': 1 },
    })
    expect(seen(bulk).headers['traceparent']).toBe(`00-${TRACE}-${idOf(batch)}-01`)
  })

  test('a batch of many goes on in the trace of the first, and is linked with the others both ways', async () => {
    await remove('warm')
    exporter.reset()
    proxy.reset()
    const held = proxy.hold(multiGet)
    const traceOf = (number: number): string => String(number).padStart(32, 'a')
    const removals: Promise<Reply>[] = []
    // Two batches may be under way: what comes behind them waits for one of them, together.
    for (let number = 1; number <= 5; number++) {
      removals.push(remove('none', `00-${traceOf(number)}-${PARENT}-01`))
      if (number <= 2) await until(() => proxy.requests.filter(multiGet).length === number)
    }
    const waiting = 'memory_gateway_queue_items{cluster="main"} 3'
    let isWaiting = false
    while (!isWaiting) isWaiting = (await call(gateway.opsUrl, { path: '/metrics' })).text.includes(waiting)
    held.release()
    expect((await Promise.all(removals)).map(({ status }) => status)).toEqual([404, 404, 404, 404, 404])

    const all = await spans('DELETE deleteMemory', 5)
    const [batch, ...more] = all.filter(({ attributes }) => attributes['db.operation.batch.size'] === 3)
    expect(more).toEqual([])
    const sharing = all.filter((span) => span.name === 'look' && !/[12]$/.test(span.spanContext().traceId))
    expect(sharing).toHaveLength(3)
    const first = sharing.filter((look) => idOf(look) === batch?.parentSpanContext?.spanId)
    const others = sharing.filter((look) => !first.includes(look))
    expect(first).toHaveLength(1)
    expect(batch?.links.map((link) => link.context.spanId).sort()).toEqual(others.map(idOf).sort())
    expect(others.map(({ links }) => links.map((link) => link.context.spanId))).toEqual(
      others.map(() => [batch === undefined ? '' : idOf(batch)]),
    )
  })

  test('what is passed on has a span, which the cluster is told of in place of the caller', async () => {
    const headers = { traceparent: SAMPLED, tracestate: 'vendor=1' }
    expect((await ask('/_cluster/health?level=shards', { headers })).status).toBe(200)
    const all = await spans('GET passThrough')
    const forward = only(all, 'forward', only(all, 'GET passThrough'))
    expect(forward).toMatchObject({ kind: SpanKind.CLIENT, attributes: { 'http.response.status_code': 200 } })
    const { rawHeaders } = seen(({ target }) => target.startsWith('/_cluster/health?'))
    const told = rawHeaders.flatMap((name, at) => (/^trace/i.test(name) && at % 2 === 0 ? [rawHeaders[at + 1]] : []))
    // In the order in which they go on without a span.
    expect(told).toEqual(['vendor=1', `00-${TRACE}-${idOf(forward)}-01`])
  })

  test('a request without a trace begins one; one that its caller does not sample is not collected', async () => {
    expect((await ask('/_cluster/health', { headers: { traceparent: 'nonsense' } })).status).toBe(200)
    const all = await spans('GET passThrough')
    expect(only(all, 'GET passThrough').parentSpanContext).toBeUndefined()
    exporter.reset()
    proxy.reset()
    expect((await ask('/_cluster/health', { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } })).status).toBe(200)
    expect(seen(({ target }) => target === '/_cluster/health').headers['traceparent']).toMatch(
      new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-00$`),
    )
    await ask('/_cluster/health')
    expect((await spans('GET passThrough')).filter((span) => span.spanContext().traceId === TRACE)).toEqual([])
  })

  test('a failure is told by its code', async () => {
    expect((await call(gateway.url, { method: 'DELETE', path: pathOf('x') })).status).toBe(401)
    const refused = await spans('DELETE deleteMemory')
    expect(only(refused, 'verify')).toMatchObject({
      attributes: { 'error.type': 'missingToken' },
      status: { code: SpanStatusCode.ERROR },
      events: [],
    })
    expect(only(refused, 'DELETE deleteMemory').status.code).toBe(SpanStatusCode.UNSET)
    exporter.reset()

    const broken = proxy.on(multiGet, cutBefore)
    expect((await remove('x')).status).toBe(502)
    broken.remove()
    const all = await spans('DELETE deleteMemory')
    expect(only(all, 'look')).toMatchObject({ attributes: { 'error.type': 'upstreamUnavailable' } })
    expect(only(all, 'DELETE deleteMemory')).toMatchObject({
      attributes: { 'error.type': '502' },
      status: { code: SpanStatusCode.ERROR },
    })
  })

  test('what the gateway does by itself after a request belongs to no trace', async () => {
    const broken = proxy.on(multiGet, cutBefore)
    expect((await remove('x')).status).toBe(502)
    broken.remove()
    // The failure has the watch look soon.
    await until(() => proxy.requests.some(({ target }) => target === '/'))
    expect(proxy.requests.filter(({ target }) => target === '/').map(({ headers }) => headers['traceparent'])).toEqual([
      undefined,
    ])
  })

  test('no token, memory, id or query stands in a span', async () => {
    await putMemory('secret-id')
    await ask(`/${memories.indexOf('working')}/_search?q=text:${TEXT}`)
    await remove('secret-id')
    const token = await gateway.token({ scopes: ['memory:delete'] })
    const odd = { method: 'DELETE', path: `${pathOf('x')}?${TEXT}=1`, token }
    expect((await call(gateway.url, odd)).status).toBe(400)
    const all = await spans('DELETE deleteMemory', 2)
    const written = JSON.stringify(
      all.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    )
    expect(all.length).toBeGreaterThan(8)
    for (const secret of [TEXT, 'secret-id', 'eyJ', 'alice', memories.prefix]) expect(written).not.toContain(secret)
  })
})

test('the example of an SDK, loaded with --import, exports what a stopping gateway has left', async () => {
  const processes = await openGatewayProcesses()
  try {
    await putMemory('exported')
    const config = {
      clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' as const } } },
      memory: { containerIndex: memories.containerIndex },
    }
    const { url, child, ended } = await processes.start(config, ['--import', EXAMPLE])
    let printed = ''
    child.stdout?.on('data', (chunk: string) => (printed += chunk))
    const headers = { traceparent: SAMPLED }
    const { status } = await call(url, { method: 'DELETE', path: pathOf('exported'), token: processes.token, headers })
    expect(status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0 })
    const names = [...printed.matchAll(/^ {2}name: '([^']+)'/gm)].map(([, name]) => name)
    expect(names).toEqual(
      expect.arrayContaining(['verify', 'look', 'wait', 'look batch', 'remove', 'remove batch', 'DELETE deleteMemory']),
    )
    expect(printed).toContain(`traceId: '${TRACE}'`)
  } finally {
    await processes.close()
  }
})
