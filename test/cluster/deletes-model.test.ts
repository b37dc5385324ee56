import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import type { RunningOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
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
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import type { TestMemories } from '../support/memories.ts'
import { seedOfThisRun } from '../vectors/odd-texts.ts'

// Everything that happens to memories, in any order, against a model of a few lines: faults on the way change no outcome.

const IS_LONG = process.env['TEST_LONG'] === '1'
const seed = seedOfThisRun()
const PLACES = ['', '-b'] as const
const PEOPLE = ['alice', 'bob'] as const
const IDS = ['m1', 'm2', 'm3', 'm4'] as const
/** One of the test's own, whose node may be lost. */
let own: RunningOpenSearch | undefined
let memories: TestMemories
let proxy: FaultProxy
let gateway: TestGateway

beforeAll(async () => {
  own = IS_LONG ? await startOpenSearch({ isShortLived: true }) : undefined
  const url = own?.url ?? plainCluster().url
  memories = testMemories(url)
  proxy = await startFaultProxy(url)
  gateway = await startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
  })
  const keyword = { type: 'keyword' }
  for (const place of PLACES) {
    const properties = { memory_container_id: keyword, owner_id: keyword }
    await memories.ask('PUT', `/${indexOf(place)}`, { mappings: { properties }, settings: { number_of_replicas: 0 } })
  }
}, 180_000)
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await memories.ask('DELETE', `/${indexOf('-b')}`)
  await memories.removeAll()
  await own?.stop()
})

type Spot = (typeof PLACES)[number]
const indexOf = (place: Spot): string => `${memories.prefix}${place}-memory-working`

/** Who owns what is stored, by index and id; and where the container's memories are. */
interface Model {
  readonly owners: Map<string, string>
  place: Spot
  /** Of the container: nobody else is admitted to it, where it has one. */
  owner: Person | undefined
  /** Faults that may still be waiting, each once: a read is sent again once and an order twice, then 502 and 504 are the true answers. */
  readonly armed: Set<string>
  /** Once in a run is enough: it takes as long as a start. */
  isNodeLost: boolean
}
type Command = fc.AsyncCommand<Model, Real>
type Real = Record<string, never>
type Person = (typeof PEOPLE)[number]

const keyOf = ({ place }: Model, id: string): string => `${place}/${id}`
const isAdmitted = ({ owner }: Model, caller: Person): boolean => owner === undefined || owner === caller

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
    await memories.ask('PUT', `/${indexOf(model.place)}/_doc/${id}?refresh=true`, source)
    model.owners.set(keyOf(model, id), owner)
  })

const remove = (id: string, caller: Person, dialect: (typeof DIALECTS)[number], refresh: string): Command =>
  command(`${caller} deletes ${id} (${dialect}${refresh})`, async (model) => {
    const token = await gateway.token({ subject: caller, extra: { memory_container: 'c' } })
    const query = dialect === 'opensearch' ? refresh : ''
    const { status } = await deleteIn(dialect, gateway, { container: 'c', type: 'working', id, token, query })
    expectRemoved(model, id, caller, status)
  })

function expectRemoved(model: Model, id: string, caller: Person, status: number): void {
  const owner = model.owners.get(keyOf(model, id))
  const mayBe = isAdmitted(model, caller) ? (owner === undefined ? 404 : owner === caller ? 200 : 403) : 403
  expect(status).toBe(mayBe)
  if (status === 200) model.owners.delete(keyOf(model, id))
}

let losses = 0

/** A node that is killed while a delete is on its way. Who asks with a key until somebody knows hears what became of it. */
const loseNode = (id: string, caller: Person): Command =>
  command(
    `the node is lost while ${caller} deletes ${id}`,
    async (model) => {
      proxy.reset()
      model.armed.clear()
      model.isNodeLost = true
      const token = await gateway.token({ subject: caller })
      const headers = { 'idempotency-key': `loss-${String(losses++)}` }
      const ask = (): Promise<Reply> =>
        deleteIn('opensearch', gateway, { container: 'c', type: 'working', id, token, headers })
      const restarted = own?.restart()
      let answer = await ask()
      await until(async () => {
        if (answer.status >= 409) answer = await ask()
        return answer.status < 409
      })
      await restarted
      expectRemoved(model, id, caller, answer.status)
    },
    ({ isNodeLost }) => !isNodeLost,
  )

const removeAll = (caller: Person): Command =>
  command(`${caller} deletes all by query`, async (model) => {
    proxy.reset()
    model.armed.clear()
    await memories.ask('POST', `/${indexOf(model.place)}/_refresh`)
    const { status, body } = await call(gateway.url, {
      method: 'POST',
      path: '/_plugins/_ml/memory_containers/c/memories/working/_delete_by_query',
      token: await gateway.token({ subject: caller }),
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    })
    if (!isAdmitted(model, caller)) {
      expect(status).toBe(403)
      return
    }
    const theirs = IDS.filter((id) => model.owners.get(keyOf(model, id)) === caller)
    expect({ status, body }).toMatchObject({ status: 200, body: { deleted: theirs.length } })
    for (const id of theirs) model.owners.delete(keyOf(model, id))
  })

function putContainer({ place, owner }: Pick<Model, 'place' | 'owner'>): Promise<void> {
  const configuration = { index_prefix: `${memories.prefix}${place}` }
  return memories.putContainer('c', { configuration, ...(owner === undefined ? {} : { owner: { name: owner } }) })
}

const move = (place: Spot): Command =>
  command(`the container moves to "${place}"`, async (model) => {
    model.place = place
    await putContainer(model)
  })

const give = (owner: Person | undefined): Command =>
  command(`the container becomes ${owner ?? 'nobody'}'s`, async (model) => {
    model.owner = owner
    await putContainer(model)
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
const COMMANDS = [
  fc.tuple(id, person).map((args) => store(...args)),
  fc
    .tuple(id, person, fc.constantFrom(...DIALECTS), fc.constantFrom('', '?refresh=true', '?refresh=wait_for'))
    .map((args) => remove(...args)),
  fc.tuple(id, person, fc.constantFrom(...DIALECTS), fc.constant('')).map((args) => remove(...args)),
  person.map(removeAll),
  fc.constantFrom(...PLACES).map(move),
  fc.constantFrom(undefined, undefined, ...PEOPLE).map(give),
  fc.constantFrom(...Object.keys(FAULTS)).map(fault),
  fc.constantFrom(...Object.keys(FAULTS)).map(fault),
]

async function check(commands: readonly fc.Arbitrary<Command>[], numRuns: number): Promise<void> {
  const sequences = fc.commands([...commands], { maxCommands: 40, size: 'max' })
  await fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      proxy.reset()
      for (const place of PLACES) {
        await memories.ask('POST', `/${indexOf(place)}/_delete_by_query?refresh=true`, { query: { match_all: {} } })
      }
      const model: Model = { owners: new Map(), place: '', owner: undefined, armed: new Set(), isNodeLost: false }
      await putContainer(model)
      await fc.asyncModelRun(() => ({ model, real: {} }), sequence)
      for (const place of PLACES) {
        for (const memory of IDS) {
          const { status } = await memories.ask('GET', `/${indexOf(place)}/_doc/${memory}`)
          const expected = model.owners.has(`${place}/${memory}`) ? 200 : 404
          expect({ place, memory, status }).toEqual({ place, memory, status: expected })
        }
      }
    }),
    { seed, numRuns },
  )
}

test(`in any order, what is answered and what is left is what the model says (TEST_SEED=${String(seed)})`, async () => {
  await check(COMMANDS, IS_LONG ? 200 : 8)
}, 600_000)

const long = IS_LONG ? test : test.skip

long(
  `so it is where the node is lost on the way (TEST_SEED=${String(seed)})`,
  async () => {
    await check([...COMMANDS, fc.tuple(id, person).map((args) => loseNode(...args))], 5)
  },
  600_000,
)
