import { connect } from 'node:net'
import { gunzipSync, inflateSync } from 'node:zlib'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { openTestAudit } from '../support/audit.ts'
import type { AuditRecord, TestAudit } from '../support/audit.ts'
import { call } from '../support/call.ts'
import type { Call, Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { bulk, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

const ENGINES = ['undici', 'http-proxy-middleware'] as const
const ADMIN = ['opensearch:admin']
const NDJSON = { 'content-type': 'application/x-ndjson' }
const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const history = memories.indexOf('history')
const plain = `${memories.prefix}-products`
const alias = `${memories.prefix}-alias`

interface Side {
  readonly engine: (typeof ENGINES)[number]
  readonly audit: TestAudit
  readonly gateway: TestGateway
  readonly token: string
}
let proxy: FaultProxy
const sides: Side[] = []

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
  for (const engine of ENGINES) {
    const audit = openTestAudit()
    const gateway = await startTestGateway({
      cluster: { nodes: [proxy.url], passThrough: { engine } },
      memory: { containerIndex: memories.containerIndex },
      audit: { sink: 'file', file: audit.path, required: true, fsync: 'always', writer: engine },
    })
    sides.push({ engine, audit, gateway, token: await gateway.token({ subject: 'root', scopes: ADMIN }) })
  }
  await memories.putMemory('working', 'first', { owner_id: 'alice' })
  await memories.putMemory('history', 'first', { owner_id: 'alice' })
  await memories.ask('POST', '/_aliases', { actions: [{ add: { index: history, alias } }] })
  await memories.ask('PUT', `/${plain}/_doc/1?refresh=true`, {})
})
afterEach(() => proxy.reset())
afterAll(async () => {
  for (const { gateway } of sides) await gateway.close()
  await proxy.close()
  await memories.removeAll()
  await memories.ask('DELETE', `/${plain}`)
  // Whatever was refused on the way: no chain has a gap.
  const reports = await Promise.all(sides.map(({ audit }) => audit.verify()))
  for (const { audit } of sides) audit.remove()
  expect(reports.map(({ intact }) => intact)).toEqual([true, true])
})

const lines = (...all: readonly unknown[]): string =>
  all.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('')
const removing = (id: string, more: object = {}) => ({ delete: { _index: index, _id: id, ...more } })

async function store(...ids: readonly string[]): Promise<void> {
  const body = lines(...ids.flatMap((id) => [{ index: { _index: index, _id: id } }, { owner_id: 'alice' }]))
  const reply = await call(plainCluster().url, { method: 'POST', path: '/_bulk', headers: NDJSON, body })
  expect(reply.body).toMatchObject({ errors: false })
}

let count = 0
/** Sends a bulk, and gives its records once each intent has its outcome. */
async function send(side: Side, body: Call['body'], asked: Partial<Call> = {}) {
  const id = `b-${String((count += 1))}`
  const headers = { ...NDJSON, 'x-request-id': id, ...asked.headers }
  const reply = await call(side.gateway.url, {
    method: 'POST',
    path: '/_bulk',
    token: side.token,
    ...(body === undefined ? {} : { body }),
    ...asked,
    headers,
  }).catch(() => undefined)
  return { reply, ...(await recordsOf(side, id)) }
}

async function recordsOf({ audit }: Side, id: string) {
  const of = (phase: string): readonly AuditRecord[] =>
    audit.deletes().filter((one) => one['http.request.id'] === id && one['memory.phase'] === phase)
  await until(() => of('outcome').length === of('intent').length && of('outcome').length + of('refusal').length > 0)
  return { intents: of('intent'), outcomes: of('outcome'), refusals: of('refusal') }
}

const itemsOf = (records: readonly AuditRecord[]): readonly Readonly<Record<string, unknown>>[] =>
  records.flatMap((one) => (one['memory.items'] ?? []) as readonly Readonly<Record<string, unknown>>[])
const brief = (records: readonly AuditRecord[]): readonly string[] =>
  records.map((one) => `${String(one['event.outcome'])} ${String(one['memory.outcome'])}`)

const MEANT: Readonly<Record<string, (reply: Reply) => Buffer>> = {
  identity: ({ bytes }) => bytes,
  gzip: ({ bytes }) => gunzipSync(bytes),
  deflate: ({ bytes }) => inflateSync(bytes),
}

describe.each(ENGINES)('a bulk that is passed through by %s', (engine) => {
  const side = (): Side => {
    const found = sides.find((one) => one.engine === engine)
    if (found === undefined) throw new Error('each engine has its gateway')
    return found
  }

  test.each(Object.keys(MEANT))(
    'has each deleted memory by its id, and what became of it (answer: %s)',
    async (coding) => {
      await store('a', 'kept', '12345678901234567890')
      await memories.ask('PUT', `/${history}/_doc/first`, { owner_id: 'alice' })
      const body = lines(
        { index: { _index: plain, _id: '2' } },
        { delete: 'a source line' },
        removing('a'),
        { delete: { _index: plain, _id: '2' } },
        '',
        removing('none', { routing: 'elsewhere' }),
        { delete: { _index: alias, _id: 'first' } },
        removing('kept', { if_seq_no: 1_000_000, if_primary_term: 1 }),
        `{"delete":{"_index":"${index}","_id":12345678901234567890}}`,
      )
      const { reply, intents, outcomes } = await send(side(), body, { headers: { 'accept-encoding': coding } })
      if (reply === undefined) throw new Error('there is an answer')
      expect([reply.status, reply.headers['content-encoding'] ?? 'identity']).toEqual([200, coding])
      const answered = JSON.parse(String(MEANT[coding]?.(reply))) as { items: readonly Record<string, object>[] }
      expect(answered.items).toHaveLength(7)

      expect(itemsOf(intents)).toEqual([
        { index, id: 'a' },
        { index, id: 'none', routing: 'elsewhere' },
        { named: alias, id: 'first' },
        { index, id: 'kept' },
        { index, id: '12345678901234567890' },
      ])
      expect(intents).toMatchObject([{ 'event.outcome': 'unknown', 'memory.total': 6, 'user.id': 'root', 'rule.name': 'opensearch:admin' }]) // prettier-ignore
      expect(outcomes[0]?.['event.id']).toBe(intents[0]?.['event.id'])
      expect(outcomes).toMatchObject([{ 'event.outcome': 'success', 'memory.outcome': 'ran', 'memory.deleted': 3, 'memory.conflicts': 1, 'memory.failures': 0, 'http.response.status_code': 200 }]) // prettier-ignore
      // The cluster's own account, line by line; of what the gateway was not asked for, nothing.
      const wanted = answered.items.flatMap((one) => {
        const { _index, _id, status, result, _seq_no, _primary_term, _version, error } = (one['delete'] ?? {}) as Record<string, unknown> // prettier-ignore
        if (_index === undefined || _index === plain) return []
        const told = result ?? (error as { type: string }).type
        return [JSON.parse(JSON.stringify({ index: _index, id: _id, status, result: told, seq_no: _seq_no, primary_term: _primary_term, version: _version })) as unknown] // prettier-ignore
      })
      expect(wanted).toHaveLength(5)
      expect(itemsOf(outcomes)).toEqual(wanted)
      expect(itemsOf(outcomes).map(({ id, result }) => [id, result])).toEqual([
        ['a', 'deleted'],
        ['none', 'not_found'],
        ['first', 'deleted'],
        ['kept', 'version_conflict_engine_exception'],
        ['12345678901234567890', 'deleted'],
      ])
    },
  )

  test('of many lines has several records, which hold each of them once, before the cluster has all of the body', async () => {
    const ids = Array.from({ length: 1_100 }, (_, number) => `m-${String(number)}`)
    await store(...ids)
    const hold = proxy.hold(bulk)
    const sent = send(side(), lines(...ids.map((id) => removing(id))))
    await hold.arrived
    const written = side()
      .audit.deletes()
      .filter((one) => one['http.request.id'] === `b-${String(count)}`)
    expect(itemsOf(written).map(({ id }) => id)).toEqual(ids)
    expect(written.every((one) => one['memory.phase'] === 'intent')).toBe(true)
    hold.release()
    const { intents, outcomes } = await sent
    expect(intents.length).toBeGreaterThanOrEqual(5)
    expect(new Set(outcomes.map((one) => one['event.id']))).toEqual(new Set(intents.map((one) => one['event.id'])))
    expect(itemsOf(outcomes).map(({ id, result }) => `${String(id)} ${String(result)}`)).toEqual(
      ids.map((id) => `${id} deleted`),
    )
    expect(Math.max(...intents.map((one) => JSON.stringify(one).length))).toBeLessThan(65_536)
  })

  test.each<readonly [string, string, Partial<Call>]>([
    ['with no items', 'unknown answerPartial', { path: '/_bulk?filter_path=took,errors' }],
    ['with some of its items', 'unknown answerPartial', { path: '/_bulk?filter_path=items.delete' }],
    ['without ids', 'unknown answerPartial', { path: '/_bulk?filter_path=items.*.status' }],
    ['as YAML', 'unknown answerUnreadable', { path: '/_bulk?format=yaml' }],
  ])('an answer %s says nothing of a line, and nothing is claimed of it', async (_, wanted, asked) => {
    await store('a', 'b')
    const { reply, intents, outcomes } = await send(
      side(),
      lines({ index: { _index: plain, _id: '2' } }, {}, removing('a'), removing('b'), { delete: { _index: plain, _id: '2' } }),
      asked,
    ) // prettier-ignore
    expect(reply?.status).toBe(200)
    expect(itemsOf(intents).map(({ id }) => id)).toEqual(['a', 'b'])
    expect(brief(outcomes)).toEqual([wanted])
  })

  test('an answer that breaks off leaves unknown what it did not come to', async () => {
    await store('a', 'b')
    proxy.on(bulk, async ({ ask, answer }) => {
      const came = await ask()
      await answer(came, came.body.indexOf('},{'))
    })
    const { reply, outcomes } = await send(side(), lines(removing('a'), removing('b')))
    expect([reply, ...brief(outcomes)]).toEqual([undefined, 'unknown answerCutOff'])
    expect(itemsOf(outcomes)).toEqual([])
  })

  test('that the cluster refuses, or does not answer, has that for its outcome', async () => {
    const refused = await send(side(), lines(removing('a'), { delete: { _index: index } }))
    expect([refused.reply?.status, ...brief(refused.outcomes)]).toEqual([400, 'failure answered'])
    proxy.on(bulk, ({ cut }) => cut())
    const lost = await send(side(), lines(removing('a')))
    expect([lost.reply?.status, ...brief(lost.outcomes)]).toEqual([502, 'unknown upstreamUnavailable'])
  })

  test('whose caller leaves in the middle has run nothing, and its records say so', async () => {
    const ids = Array.from({ length: 3_000 }, (_, number) => `l-${String(number)}`)
    await store('l-0')
    const { gateway, token, audit } = side()
    const id = `left-${engine}`
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    const head = `POST /_bulk HTTP/1.1\r\nhost: x\r\nx-request-id: ${id}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/x-ndjson\r\ncontent-length: 1000000\r\n\r\n` // prettier-ignore
    socket.write(head + lines(...ids.map((one) => removing(one))))
    await until(() => itemsOf(audit.deletes().filter((one) => one['http.request.id'] === id)).length > 2_000)
    socket.destroy()
    const { outcomes } = await recordsOf(side(), id)
    expect(new Set(outcomes.map((one) => one['event.outcome']))).toEqual(new Set(['failure']))
    expect(await memories.hasMemory('working', 'l-0')).toBe(true)
  })

  test('by a caller who may not has a refusal that names what it would have deleted', async () => {
    await store('a')
    const token = await side().gateway.token({ scopes: ['opensearch:read', 'opensearch:write'] })
    const body = lines({ delete: { _index: plain, _id: '1' } }, removing('a'), removing('b'))
    const { reply, intents, refusals } = await send(side(), body, { token })
    expect([reply?.status, intents, ...brief(refusals)]).toEqual([403, [], 'failure insufficientScope'])
    expect(itemsOf(refusals)).toEqual([
      { index, id: 'a' },
      { index, id: 'b' },
    ])
    expect(await memories.hasMemory('working', 'a')).toBe(true)
  })
})

test('a gateway that is killed while a bulk is under way: the next start looks, and says what is gone and what is not', async () => {
  const own = openTestAudit()
  const processes = await openGatewayProcesses(ADMIN)
  try {
    const start = (): Promise<GatewayProcess> =>
      processes.start({
        clusters: { main: { nodes: [proxy.url], service: { kind: 'none' } } },
        memory: { containerIndex: memories.containerIndex },
        audit: own.required,
      })
    await store('gone', 'kept')
    for (const id of ['by-alias', 'single', 'held']) await memories.putMemory('history', id, { owner_id: 'alice' })
    const several = `${alias}-several`
    const leaving = `${alias}-leaving`
    await memories.ask('POST', '/_aliases', {
      actions: [
        { add: { index: history, alias: several, is_write_index: true } },
        { add: { indices: [index], alias: several } },
        { add: { index: history, alias: leaving } },
      ],
    })
    const first = await start()
    let carriedOut = 0
    proxy.on(
      ({ method, target }) => target.startsWith('/_bulk') || (method === 'DELETE' && target.startsWith(`/${several}/`)),
      async ({ ask }) => {
        await ask()
        carriedOut += 1
      },
    )
    const conflicting = { if_seq_no: 1_000_000, if_primary_term: 1 }
    const body = lines(
      removing('gone'),
      removing('kept', conflicting),
      { delete: { _index: history, _id: 'none' } },
      { delete: { _index: alias, _id: 'by-alias' } },
      { delete: { _index: several, _id: 'held', ...conflicting } },
    )
    // One is only where it would be read by that name, the other by a name that is nobody's by then.
    const unclear = lines(
      { delete: { _index: several, _id: 'kept', ...conflicting } },
      { delete: { _index: leaving, _id: 'held', ...conflicting } },
    )
    const send = (request: Call): Promise<unknown> =>
      call(first.url, { ...request, token: processes.token }).catch(() => 'gone')
    const asked = [
      send({ method: 'POST', path: '/_bulk', headers: NDJSON, body }),
      send({ method: 'DELETE', path: `/${several}/_doc/single` }),
      send({ method: 'POST', path: '/_bulk', headers: NDJSON, body: unclear }),
    ]
    await until(() => carriedOut === 3)
    first.child.kill('SIGKILL')
    expect(await Promise.all(asked)).toEqual(['gone', 'gone', 'gone'])
    await memories.ask('POST', '/_aliases', { actions: [{ remove: { index: history, alias: leaving } }] })
    await start()
    const settled = (): readonly AuditRecord[] => own.deletes().filter((one) => one['memory.phase'] === 'settled')
    await until(() => settled().length === 3)
    const which = (id: string): AuditRecord =>
      settled().find((one) => [...itemsOf([one]).map((item) => item['id']), one['memory.id']].includes(id)) ?? {}
    const [ofBulk, ofOne, ofUnclear] = [
      which('gone'),
      which('single'),
      settled().find((one) => one['memory.outcome'] === 'settled-unknown'),
    ]
    expect(ofBulk).toMatchObject({
      'event.action': 'delete-documents',
      'memory.outcome': 'settled-partly',
      'memory.gone': 3,
      'memory.present': 2,
    })
    expect(itemsOf([ofBulk])).toEqual([
      { index, id: 'gone', result: 'gone' },
      { index, id: 'kept', result: 'present' },
      { index: history, id: 'none', result: 'gone' },
      { named: alias, index: history, id: 'by-alias', result: 'gone' },
      { named: several, index: history, id: 'held', result: 'present' },
    ])
    expect(ofOne).toMatchObject({
      'event.action': 'delete-document',
      'memory.outcome': 'settled-gone',
      'memory.indices': [several],
      'memory.id': 'single',
    })
    expect(itemsOf(ofUnclear === undefined ? [] : [ofUnclear])).toEqual([
      { named: several, index: history, id: 'kept', result: 'unknown' },
      { named: leaving, id: 'held', result: 'unknown' },
    ])
    expect(await own.verify({ isRunning: true })).toMatchObject({ intact: true })
  } finally {
    await processes.close()
    own.remove()
  }
})
