import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, DIALECTS, errorBody, pathOf } from '../support/dialects.ts'
import {
  answerAfter,
  answerWith,
  bulk,
  cutAfter,
  cutBefore,
  cutInside,
  multiGet,
  neverAnswer,
  stallInside,
  startFaultProxy,
} from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const index = memories.indexOf('working')
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
let proxy: FaultProxy
let gateway: TestGateway
/** Gives up soon, for deletes that cannot end well. */
let hurried: TestGateway

beforeAll(async () => {
  proxy = await startFaultProxy(plainCluster().url)
  const options = {
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { types: ['working'] },
  } satisfies Parameters<typeof startTestGateway>[0]
  gateway = await startTestGateway(options)
  hurried = await startTestGateway({ ...options, limits: { deadline: '1s' } })
  await memories.putContainer('c', { owner: { name: 'alice' } })
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await gateway.close()
  await hurried.close()
  await proxy.close()
  await memories.removeAll()
})

const store = (id: string, source: Readonly<Record<string, unknown>>): Promise<unknown> =>
  memories.ask('PUT', `/${index}/_doc/${id}`, source)
const bulks = (): readonly string[] => proxy.requests.filter(bulk).map(({ body }) => body)

describe.each(DIALECTS)('in the dialect %s', (dialect) => {
  const name = (what: string): string => `${dialect.toLowerCase()}-${what.replaceAll(' ', '-')}`
  const remove = (id: string, through = gateway): Promise<Reply> =>
    deleteIn(dialect, through, { container: 'c', type: 'working', id })
  const bodyOfDeleted = (id: string, members: Readonly<Record<string, unknown>>): unknown =>
    dialect === 'memoryPlugin'
      ? { message: 'Memory deleted' }
      : {
          _index: index,
          _id: id,
          _version: 2,
          result: 'deleted',
          _shards: expect.anything(),
          _seq_no: expect.any(Number),
          _primary_term: 1,
          ...members,
        }

  describe('a memory that changes between the look and the delete', () => {
    interface Change {
      readonly to: string
      /** What somebody else does at the cluster, while our delete is on its way. */
      readonly change: (id: string) => Promise<unknown>
      readonly status: number
      readonly reason: string
      readonly legacy: string
    }
    const changes: readonly Change[] = [
      {
        to: "another owner's",
        change: (id) => store(id, { ...OWN, owner_id: 'bob' }),
        status: 403,
        reason: "User doesn't have permissions to delete this memory",
        legacy: 'Forbidden',
      },
      {
        to: "another container's",
        change: (id) => store(id, { ...OWN, memory_container_id: 'other' }),
        status: 404,
        reason: 'Memory not found',
        legacy: 'Memory not found',
      },
      {
        to: 'a new one of the same id that is not the caller’s',
        change: async (id) => {
          await memories.ask('DELETE', `/${index}/_doc/${id}`)
          await store(id, { ...OWN, owner_id: 'bob' })
        },
        status: 403,
        reason: "User doesn't have permissions to delete this memory",
        legacy: 'Forbidden',
      },
    ]
    test.each(changes)('to $to is decided again, and stays', async ({ to, change, status, reason, legacy }) => {
      const id = name(`to-${String(to.length)}`)
      await store(id, OWN)
      const held = proxy.hold(bulk)
      const answer = remove(id)
      await held.arrived
      await change(id)
      held.release()
      const { status: answered, body } = await answer
      expect({ status: answered, body }).toEqual({
        status,
        body: errorBody(dialect, status, { type: 'status_exception', reason, legacy }),
      })
      expect(bulks()).toHaveLength(1)
      expect(await memories.hasMemory('working', id)).toBe(true)
    })

    test('in its text only is deleted in its new version', async () => {
      const id = name('text')
      await store(id, OWN)
      const held = proxy.hold(bulk)
      const answer = remove(id)
      await held.arrived
      const { body: updated } = await memories.ask('PUT', `/${index}/_doc/${id}`, { ...OWN, text: 'new' })
      held.release()
      const { status, headers, body } = await answer
      expect({ status, body }).toEqual({ status: 200, body: bodyOfDeleted(id, { _version: 3 }) })
      expect(headers['x-memory-recovered']).toBeUndefined()
      const { _seq_no } = updated as { _seq_no: number }
      expect(bulks()).toHaveLength(2)
      expect(bulks()[1]).toContain(`"if_seq_no":${String(_seq_no)},"if_primary_term":1`)
      expect(await memories.hasMemory('working', id)).toBe(false)
    })

    test('again and again is deleted in the version that held still', async () => {
      const id = name('restless')
      await store(id, OWN)
      proxy.on(
        bulk,
        async ({ ask, answer }) => {
          await store(id, { ...OWN, text: 'new' })
          await answer(await ask())
        },
        4,
      )
      expect((await remove(id)).status).toBe(200)
      expect(bulks()).toHaveLength(5)
      expect(await memories.hasMemory('working', id)).toBe(false)
    })

    test('is not found, where somebody else has deleted it', async () => {
      const id = name('gone')
      await store(id, OWN)
      const held = proxy.hold(bulk)
      const answer = remove(id)
      await held.arrived
      await memories.ask('DELETE', `/${index}/_doc/${id}`)
      held.release()
      const { status, headers, body } = await answer
      const words = { type: 'status_exception', reason: 'Memory not found' }
      expect({ status, body }).toEqual({ status: 404, body: errorBody(dialect, 404, words) })
      expect(headers['x-memory-recovered']).toBeUndefined()
    })
  })

  describe('an answer to the delete that is lost', () => {
    const recovered = { _shards: { total: 0, successful: 0, failed: 0 }, _seq_no: -2, _primary_term: 0 }

    test.each([
      ['cut before it', cutAfter],
      ['cut inside it', cutInside],
      ['replaced by the page of a balancer', answerAfter(502, '<html>Bad gateway</html>')],
      ['replaced by the timeout of a balancer', answerAfter(504, { message: 'timeout' })],
      ['replaced by a page with status 200', answerAfter(200, '<html>Welcome</html>')],
      ['half of it, as if it were whole', answerAfter(200, '{"took":3,"err', { 'content-type': 'application/json' })],
      ['some other JSON', answerAfter(200, { took: 3 })],
      ['the JSON of another delete', answerAfter(200, { took: 3, errors: false, items: [] })],
    ])('(%s) is recovered: the memory is gone', async (how, fault) => {
      const id = name(how.replaceAll(/\W/g, ''))
      await store(id, OWN)
      proxy.on(bulk, fault, 1)
      const { status, headers, body } = await remove(id)
      expect({ status, body }).toEqual({ status: 200, body: bodyOfDeleted(id, recovered) })
      expect(headers['x-memory-recovered']).toBe('true')
      expect(bulks()).toHaveLength(1)
      expect(await memories.hasMemory('working', id)).toBe(false)
    })

    test('is no reason to say deleted of what was never sent: it is sent again', async () => {
      const id = name('never-sent')
      await store(id, OWN)
      proxy.on(bulk, cutBefore, 1)
      const { status, headers, body } = await remove(id)
      expect({ status, body }).toEqual({
        status: 200,
        body: bodyOfDeleted(id, { _shards: { total: 2, successful: 1, failed: 0 } }),
      })
      expect(headers['x-memory-recovered']).toBeUndefined()
      expect(bulks()).toHaveLength(2)
      expect(bulks()[1]).toBe(bulks()[0])
    })

    test('is recovered also where the cluster acts on it only after the second look', async () => {
      const id = name('late')
      await store(id, OWN)
      const late = Promise.withResolvers<undefined>()
      proxy.on(bulk, async ({ ask, answer }) => {
        await late.promise
        await answer(await ask())
      })
      proxy.on(
        bulk,
        async ({ request, ask, cut }) => {
          cut()
          // The same order again: it was found still there.
          while (bulks().length < 2) await new Promise(setImmediate)
          expect(bulks()[1]).toBe(request.body)
          await ask()
          late.resolve(undefined)
        },
        1,
      )
      const { status, headers, body } = await remove(id)
      expect({ status, body }).toEqual({ status: 200, body: bodyOfDeleted(id, recovered) })
      expect(headers['x-memory-recovered']).toBe('true')
    })

    test('and somebody stores another memory under the id: unknown, and theirs stays', async () => {
      const id = name('stored-anew')
      await store(id, OWN)
      proxy.on(
        bulk,
        async (exchange) => {
          await exchange.ask()
          await store(id, { ...OWN, owner_id: 'bob' })
          exchange.cut()
        },
        1,
      )
      const { status, body } = await remove(id)
      expect({ status, body }).toEqual({ status: 504, body: unknown(dialect) })
      expect(await memories.hasMemory('working', id)).toBe(true)
    })

    test('and the cluster stays away: unknown', async () => {
      const id = name('stays-away')
      await store(id, OWN)
      proxy.on(bulk, async ({ ask }) => {
        await ask()
        await proxy.refuse()
      })
      const { status, headers, body } = await remove(id)
      expect({ status, body }).toEqual({ status: 504, body: unknown(dialect) })
      expect(headers['x-memory-recovered']).toBeUndefined()
      await proxy.accept()
    })

    test.each([
      ['never comes', neverAnswer],
      ['stops half-way', stallInside],
    ])('and %s: unknown at the deadline', async (how, fault) => {
      const id = name(how)
      await store(id, OWN)
      proxy.on(bulk, fault)
      const { status, body } = await remove(id, hurried)
      expect({ status, body }).toEqual({ status: 504, body: unknown(dialect) })
      expect(bulks()).toHaveLength(1)
    })

    test('every time: unknown at the deadline, after a bounded number of attempts', async () => {
      const id = name('always')
      await store(id, OWN)
      proxy.on(bulk, cutBefore)
      const { status, body } = await remove(id, hurried)
      expect({ status, body }).toEqual({ status: 504, body: unknown(dialect) })
      expect(bulks().length).toBeLessThan(20)
    })

    test('and the second look finds the credentials refused: unknown', async () => {
      const id = name('refused-then')
      await store(id, OWN)
      proxy.on(bulk, (exchange) => {
        proxy.on(multiGet, answerWith(401, 'Unauthorized'))
        return cutAfter(exchange)
      })
      const { status, headers, body } = await remove(id)
      expect({ status, body }).toEqual({ status: 504, body: unknown(dialect) })
      expect(headers['www-authenticate']).toBeUndefined()
    })
  })
})

describe('deletes that are made at once, and so share round trips', () => {
  const ids = (what: string): readonly string[] =>
    Array.from({ length: 40 }, (_, number) => `${what}-${String(number)}`)

  async function storeAll(what: string, ownerOf: (position: number) => string = () => 'alice'): Promise<void> {
    for (const [position, id] of ids(what).entries()) await store(id, { ...OWN, owner_id: ownerOf(position) })
  }

  const removeAll = (what: string): Promise<Reply[]> =>
    Promise.all(ids(what).map((id) => deleteIn('opensearch', gateway, { container: 'c', type: 'working', id })))

  test('are each recovered when an answer that they share is lost', async () => {
    await storeAll('shared')
    proxy.on(bulk, cutAfter, 2)
    const answers = await removeAll('shared')
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200))
    expect(bulks().length).toBeLessThan(40)
    const recovered = answers.filter(({ headers }) => headers['x-memory-recovered'] === 'true')
    expect(recovered.length).toBeGreaterThan(0)
    for (const id of ids('shared')) expect(await memories.hasMemory('working', id)).toBe(false)
  })

  test('are decided one by one', async () => {
    await storeAll('mixed', (position) => (position % 4 === 0 ? 'bob' : 'alice'))
    const answers = await removeAll('mixed')
    expect(answers.map(({ status }) => status)).toEqual(ids('mixed').map((_, at) => (at % 4 === 0 ? 403 : 200)))
    for (const [at, id] of ids('mixed').entries()) expect(await memories.hasMemory('working', id)).toBe(at % 4 === 0)
  })

  test('go on when one of their callers goes away', async () => {
    await storeAll('left')
    const token = await gateway.token()
    const held = proxy.hold(multiGet)
    const leaves = new AbortController()
    const path = pathOf('opensearch', 'c', 'working', 'left-0')
    const left = fetch(gateway.url + path, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
      signal: leaves.signal,
    })
    await held.arrived
    const others = removeAll('left')
    leaves.abort()
    await expect(left).rejects.toThrow(/abort/)
    held.release()
    expect((await others).map(({ status }) => status)).toEqual(Array(40).fill(200))
  })

  test('are sent again one by one where the cluster was too busy for some of them', async () => {
    await storeAll('some')
    const linesOf = (body: string): readonly string[] => body.trim().split('\n')
    const idOf = (line: string): string => (JSON.parse(line) as { delete: { _id: string } }).delete._id
    const rejected: string[] = []
    proxy.on(
      bulk,
      async ({ request, answer }) => {
        const lines = linesOf(request.body)
        const taken = lines.filter((_, position) => position % 2 === 1)
        const done = await bulkAtCluster(taken)
        const error = { type: 'rejected_execution_exception', reason: 'busy' }
        const items = lines.map((line) => {
          const item = done.find((one) => one.delete._id === idOf(line))
          if (item !== undefined) return item
          rejected.push(idOf(line))
          return { delete: { _index: index, _id: idOf(line), status: 429, error } }
        })
        const text = Buffer.from(JSON.stringify({ took: 1, errors: true, items }))
        await answer({ status: 200, rawHeaders: ['content-type', 'application/json'], body: text })
      },
      2,
    )
    const answers = await removeAll('some')
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200))
    expect(answers.filter(({ headers }) => headers['x-memory-recovered'] !== undefined)).toEqual([])
    const sent = bulks().flatMap(linesOf).map(idOf)
    expect(rejected.length).toBeGreaterThan(0)
    expect(sent.toSorted()).toEqual([...ids('some'), ...rejected].toSorted())
  })
})

async function bulkAtCluster(lines: readonly string[]): Promise<readonly { delete: { _id: string } }[]> {
  if (lines.length === 0) return []
  const headers = { 'content-type': 'application/x-ndjson' }
  const response = await fetch(`${plainCluster().url}/_bulk`, {
    method: 'POST',
    headers,
    body: `${lines.join('\n')}\n`,
  })
  return ((await response.json()) as { items: { delete: { _id: string } }[] }).items
}

function unknown(dialect: (typeof DIALECTS)[number]): unknown {
  const reason = 'The cluster did not confirm the delete in time: whether the memory was deleted is unknown'
  return errorBody(dialect, 504, { type: 'gateway_timeout_exception', reason })
}
