import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS } from '../support/dialects.ts'
import {
  answerAfter,
  answerWith,
  bulk,
  cutAfter,
  cutBefore,
  cutInside,
  multiGet,
  startFaultProxy,
} from '../support/fault-proxy.ts'
import type { Fault, FaultProxy, Match } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { seedOfThisRun } from '../vectors/odd-texts.ts'

// Everything that happens to memories, in any order, against a model of a few lines: faults on the way change no outcome.

const memories = testMemories(plainCluster().url)
const seed = seedOfThisRun()
const PREFIXES = [memories.prefix, `${memories.prefix}-b`] as const
const PEOPLE = ['alice', 'bob'] as const
const IDS = ['m1', 'm2', 'm3', 'm4'] as const
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
  })
  const keyword = { type: 'keyword' }
  for (const prefix of PREFIXES) {
    const properties = { memory_container_id: keyword, owner_id: keyword }
    await memories.ask('PUT', `/${indexOf(prefix)}`, { mappings: { properties } })
  }
})
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.ask('DELETE', `/${indexOf(PREFIXES[1])}`)
  await memories.removeAll()
})

const indexOf = (prefix: string): string => `${prefix}-memory-working`

/** Who owns what is stored, by index and id; and where the container's memories are. */
interface Model {
  readonly owners: Map<string, string>
  prefix: string
  /** Faults that may still be waiting, each once: a read is sent again once and an order twice, then 502 and 504 are the true answers. */
  readonly armed: Set<string>
}
type Command = fc.AsyncCommand<Model, Real>
type Real = Record<string, never>
type Person = (typeof PEOPLE)[number]

const keyOf = ({ prefix }: Model, id: string): string => `${prefix}/${id}`

function command(
  name: string,
  run: (model: Model) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command {
  return { check, run, toString: () => name }
}

const store = (id: string, owner: Person): Command =>
  command(`${owner} stores ${id}`, async (model) => {
    const source = { memory_container_id: 'c', owner_id: owner }
    await memories.ask('PUT', `/${indexOf(model.prefix)}/_doc/${id}?refresh=true`, source)
    model.owners.set(keyOf(model, id), owner)
  })

const remove = (id: string, caller: Person, dialect: (typeof DIALECTS)[number], refresh: string): Command =>
  command(`${caller} deletes ${id} (${dialect}${refresh})`, async (model) => {
    const owner = model.owners.get(keyOf(model, id))
    const token = await gateway.token({ subject: caller, extra: { memory_container: 'c' } })
    const query = dialect === 'opensearch' ? refresh : ''
    const { status } = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id, token, query })
    expect(status).toBe(owner === undefined ? 404 : owner === caller ? 200 : 403)
    if (owner === caller) model.owners.delete(keyOf(model, id))
  })

const removeAll = (caller: Person): Command =>
  command(`${caller} deletes all by query`, async (model) => {
    proxy.reset()
    model.armed.clear()
    await memories.ask('POST', `/${indexOf(model.prefix)}/_refresh`)
    const { status, body } = await call(gateway.url, {
      method: 'POST',
      path: '/_plugins/_ml/memory_containers/c/memories/working/_delete_by_query',
      token: await gateway.token({ subject: caller }),
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    })
    const theirs = IDS.filter((id) => model.owners.get(keyOf(model, id)) === caller)
    expect({ status, body }).toMatchObject({ status: 200, body: { deleted: theirs.length } })
    for (const id of theirs) model.owners.delete(keyOf(model, id))
  })

const move = (prefix: string): Command =>
  command(`the container moves to ${prefix}`, async (model) => {
    await memories.putContainer('c', { configuration: { index_prefix: prefix } })
    model.prefix = prefix
  })

const FAULTS: Readonly<Record<string, readonly [Match, Fault]>> = {
  'the order is lost': [bulk, cutBefore],
  'the confirmation is lost': [bulk, cutAfter],
  'half of the confirmation is lost': [bulk, cutInside],
  'a balancer loses the confirmation': [bulk, answerAfter(502, '<html>')],
  'the cluster is too busy to delete': [bulk, answerWith(429, { error: { type: 'rejected_execution_exception' } })],
  'the cluster is too busy to read': [multiGet, answerWith(429, { error: { type: 'rejected_execution_exception' } })],
  'a kept connection was closed': [multiGet, cutBefore],
}

const fault = (name: string): Command =>
  command(
    name,
    (model) => {
      const found = FAULTS[name]
      if (found !== undefined) proxy.on(...found, 1)
      model.armed.add(name)
      return Promise.resolve()
    },
    ({ armed }) => !armed.has(name),
  )

const id = fc.constantFrom(...IDS)
const person = fc.constantFrom(...PEOPLE)
const commands = fc.commands(
  [
    fc.tuple(id, person).map((args) => store(...args)),
    fc
      .tuple(id, person, fc.constantFrom(...DIALECTS), fc.constantFrom('', '?refresh=true', '?refresh=wait_for'))
      .map((args) => remove(...args)),
    fc.tuple(id, person, fc.constantFrom(...DIALECTS), fc.constant('')).map((args) => remove(...args)),
    person.map(removeAll),
    fc.constantFrom(...PREFIXES).map(move),
    fc.constantFrom(...Object.keys(FAULTS)).map(fault),
    fc.constantFrom(...Object.keys(FAULTS)).map(fault),
  ],
  { maxCommands: 40, size: 'max' },
)

test(`in any order, what is answered and what is left is what the model says (TEST_SEED=${String(seed)})`, async () => {
  const numRuns = process.env['TEST_LONG'] === '1' ? 200 : 8
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      proxy.reset()
      for (const prefix of PREFIXES) {
        await memories.ask('POST', `/${indexOf(prefix)}/_delete_by_query?refresh=true`, { query: { match_all: {} } })
      }
      const model: Model = { owners: new Map(), prefix: PREFIXES[0], armed: new Set() }
      await memories.putContainer('c', { configuration: { index_prefix: PREFIXES[0] } })
      await fc.asyncModelRun(() => ({ model, real: {} }), sequence)
      for (const prefix of PREFIXES) {
        for (const memory of IDS) {
          const { status } = await memories.ask('GET', `/${indexOf(prefix)}/_doc/${memory}`)
          expect({ prefix, memory, status }).toEqual({
            prefix,
            memory,
            status: model.owners.has(`${prefix}/${memory}`) ? 200 : 404,
          })
        }
      }
    }),
    { seed, numRuns },
  )
}, 600_000)
