import { describe, expect, test } from '@jest/globals'

import type { ClusterClient } from '../../../src/cluster/client.ts'
import type { ClusterAnswer } from '../../../src/cluster/request.ts'
import { createReadableIndices } from '../../../src/cluster/readable-indices.ts'
import type { ReadableIndices } from '../../../src/cluster/readable-indices.ts'
import { GatewayError } from '../../../src/core/failure.ts'

/** What an index is like, as far as a probe can tell. */
interface Index {
  /** Hits of a search before a refresh, and after it. */
  searchable: number
  searchableAfterRefresh: number
  documents: number
  documentsAfterRefresh: number
  unrefreshed: number
}

interface Scene {
  readonly readable: ReadableIndices
  readonly index: Index
  /** Requests so far, as in `POST _search`. */
  readonly asked: readonly string[]
  readonly maskedSeen: readonly string[]
  /** Answers of this kind of request from now on, in place of the index's own. */
  readonly answer: Map<string, ClusterAnswer | Promise<ClusterAnswer>>
  pass(ms: number): void
}

const PLAIN: Index = {
  searchable: 3,
  searchableAfterRefresh: 3,
  documents: 3,
  documentsAfterRefresh: 3,
  unrefreshed: 0,
}
const MASKED: Index = { ...PLAIN, searchable: 0, searchableAfterRefresh: 0 }
const EMPTY: Index = {
  searchable: 0,
  searchableAfterRefresh: 0,
  documents: 0,
  documentsAfterRefresh: 0,
  unrefreshed: 0,
}

function scene(like: Index): Scene {
  let now = 1_000_000
  let isRefreshed = false
  const index = { ...like }
  const asked: string[] = []
  const maskedSeen: string[] = []
  const answer: Scene['answer'] = new Map()
  const ok = (body: unknown): ClusterAnswer => ({ status: 200, body })
  const client: ClusterClient = {
    name: 'scripted',
    async request({ method, path }) {
      const action = `${method} ${path.split('/')[2] ?? ''}`
      asked.push(action)
      const scripted = answer.get(action)
      if (scripted !== undefined) return scripted
      if (action === 'POST _refresh') {
        isRefreshed = true
        return ok({})
      }
      if (action === 'POST _search') {
        const value = isRefreshed ? index.searchableAfterRefresh : index.searchable
        return ok({ hits: { total: { value, relation: 'eq' } } })
      }
      const count = isRefreshed ? index.documentsAfterRefresh : index.documents
      return ok({ _all: { primaries: { docs: { count }, translog: { operations: index.unrefreshed } } } })
    },
    isWell: () => Promise.resolve(true),
    versionHeader: () => undefined,
    close: () => Promise.resolve(),
  }
  const readable = createReadableIndices({ client, onMasked: (name) => maskedSeen.push(name), now: () => now })
  return { readable, index, asked, maskedSeen, answer, pass: (ms) => void (now += ms) }
}

const signal = (): AbortSignal => new AbortController().signal
const prove = ({ readable }: Scene): Promise<void> => readable.prove('memories', signal())
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'proven',
    (error: unknown) => (error instanceof GatewayError ? error.code : String(error)),
  )

describe('whether "not found" in an index means absence', () => {
  test.each<[string, Index, string]>([
    ['it shows documents', PLAIN, 'proven'],
    ['it has none', EMPTY, 'proven'],
    ['it has documents and shows none', MASKED, 'upstreamMasked'],
    ['its documents are not refreshed yet', { ...PLAIN, searchable: 0 }, 'proven'],
    ['its documents are not refreshed yet, and statistics do not count them', { ...PLAIN, searchable: 0, documents: 0, unrefreshed: 3 }, 'proven'],
    ['its documents are hidden and not refreshed yet', { ...MASKED, documents: 0, unrefreshed: 3 }, 'upstreamMasked'],
    ['its documents are deleted, and the delete is not refreshed', { ...EMPTY, documents: 3 }, 'proven'],
    ['nothing is left of what was written', { ...EMPTY, unrefreshed: 9 }, 'proven'],
  ])('%s', async (_, index, outcome) => {
    const one = scene(index)
    expect(await codeOf(prove(one))).toBe(outcome)
    const isMasked = outcome === 'upstreamMasked'
    expect(one.readable.masked()).toEqual(isMasked ? ['memories'] : [])
    expect(one.maskedSeen).toEqual(isMasked ? ['memories'] : [])
  }) // prettier-ignore

  test('an index is not called masked for a document that came just after the search', async () => {
    const one = scene(EMPTY)
    one.index.documents = 1
    one.index.documentsAfterRefresh = 1
    let searches = 0
    one.answer.set('POST _search', Promise.resolve({ status: 200, body: { hits: { total: { value: 0 } } } }))
    const original = one.answer.get.bind(one.answer)
    one.answer.get = (action) => {
      // The third search, after the second refresh, shows it.
      if (action === 'POST _search' && ++searches === 3) return { status: 200, body: { hits: { total: { value: 1 } } } }
      return original(action)
    }
    expect(await codeOf(prove(one))).toBe('proven')
  })

  test('who may not refresh still learns what is hidden', async () => {
    const one = scene(MASKED)
    one.answer.set('POST _refresh', { status: 403, body: { error: { type: 'security_exception' } } })
    expect(await codeOf(prove(one))).toBe('upstreamMasked')
  })

  test.each<[string, ClusterAnswer, string]>([
    ['POST _search', { status: 403, body: { error: { type: 'security_exception' } } }, 'upstreamRefusedGateway'],
    ['POST _search', { status: 401, body: 'Unauthorized' }, 'upstreamRefusedGateway'],
    ['POST _search', { status: 429, body: {} }, 'tooManyRequests'],
    ['POST _search', { status: 200, body: { hits: {} } }, 'upstreamInvalid'],
    ['GET _stats', { status: 503, body: 'no' }, 'upstreamUnavailable'],
    ['GET _stats', { status: 200, body: { _all: {} } }, 'upstreamInvalid'],
    ['POST _refresh', { status: 500, body: 'no' }, 'upstreamInvalid'],
  ])('%s answered by %j is no proof: %s', async (action, answer, code) => {
    const one = scene({ ...EMPTY, documents: 3, documentsAfterRefresh: 3 })
    one.answer.set(action, answer)
    expect(await codeOf(prove(one))).toBe(code)
    one.answer.clear()
    one.index.searchable = 3
    one.index.searchableAfterRefresh = 3
    expect(await codeOf(prove(one))).toBe('proven')
  })
})

describe('how long a proof holds', () => {
  test('for 30 seconds, where documents were shown', async () => {
    const one = scene(PLAIN)
    await prove(one)
    one.pass(29_999)
    await prove(one)
    expect(one.asked).toEqual(['POST _search'])
    one.pass(1)
    Object.assign(one.index, MASKED)
    expect(await codeOf(prove(one))).toBe('upstreamMasked')
  })

  test('for one second, where there were none', async () => {
    const one = scene(EMPTY)
    await prove(one)
    one.pass(999)
    await prove(one)
    expect(one.asked).toEqual(['POST _search', 'GET _stats'])
    one.pass(1)
    Object.assign(one.index, MASKED)
    expect(await codeOf(prove(one))).toBe('upstreamMasked')
  })

  test('not at all, where they are hidden: the next question probes again', async () => {
    const one = scene(MASKED)
    expect(await codeOf(prove(one))).toBe('upstreamMasked')
    Object.assign(one.index, PLAIN)
    expect(await codeOf(prove(one))).toBe('proven')
    expect(one.readable.masked()).toEqual([])
  })

  test('a document that was read proves without asking', async () => {
    const one = scene(MASKED)
    expect(await codeOf(prove(one))).toBe('upstreamMasked')
    one.readable.sawDocument('memories')
    const before = one.asked.length
    expect(await codeOf(prove(one))).toBe('proven')
    expect(one.asked).toHaveLength(before)
    expect(one.readable.masked()).toEqual([])
  })

  test('of one index says nothing of another', async () => {
    const one = scene(MASKED)
    one.readable.sawDocument('memories')
    expect(await codeOf(one.readable.prove('others', signal()))).toBe('upstreamMasked')
  })
})

describe('many who ask at once', () => {
  test('share one probe', async () => {
    const one = scene(PLAIN)
    await Promise.all(Array.from({ length: 50 }, () => prove(one)))
    expect(one.asked).toEqual(['POST _search'])
  })

  test('all hear of a mask', async () => {
    const one = scene(MASKED)
    const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(prove(one))))
    expect(new Set(codes)).toEqual(new Set(['upstreamMasked']))
  })

  test('one who gives up does not end it for the others', async () => {
    const one = scene(PLAIN)
    const late = Promise.withResolvers<ClusterAnswer>()
    one.answer.set('POST _search', late.promise)
    const impatient = new AbortController()
    const gaveUp = codeOf(one.readable.prove('memories', impatient.signal))
    const patient = codeOf(prove(one))
    impatient.abort()
    expect(await gaveUp).toBe('upstreamTimeout')
    late.resolve({ status: 200, body: { hits: { total: { value: 1 } } } })
    expect(await patient).toBe('proven')
    expect(one.asked).toEqual(['POST _search'])
  })

  test('one who came too late gets no answer, and asks nothing', async () => {
    const one = scene(PLAIN)
    const over = new AbortController()
    over.abort()
    expect(await codeOf(one.readable.prove('memories', over.signal))).toBe('upstreamTimeout')
    expect(one.asked).toEqual([])
  })
})
