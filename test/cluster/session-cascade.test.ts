import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
let gateway: TestGateway

const keyword = { type: 'keyword' }
const namespace = { type: 'flat_object' }
const MAPPING = { mappings: { properties: { owner_id: keyword, memory_container_id: keyword, namespace } } }
const ALICE = { memory_container_id: 'team', owner_id: 'alice' }

/** Working memories, and whether they go with the session `s-1`. */
const WORKING: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, boolean]>> = {
  one: [{ ...ALICE, namespace: { session_id: 's-1' } }, true],
  two: [{ ...ALICE, namespace: { session_id: 's-1', user_id: 'x' } }, true],
  longer: [{ ...ALICE, namespace: { session_id: 's-1 more' } }, false],
  capital: [{ ...ALICE, namespace: { session_id: 'S-1' } }, false],
  several: [{ ...ALICE, namespace: { session_id: ['s-1', 's-2'] } }, false],
  without: [{ ...ALICE }, false],
  foreign: [{ ...ALICE, owner_id: 'bob', namespace: { session_id: 's-1' } }, false],
  elsewhere: [{ ...ALICE, memory_container_id: 'team-a', namespace: { session_id: 's-1' } }, false],
}

beforeAll(async () => {
  await memories.putContainer('team')
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
  })
})
beforeEach(async () => {
  await memories.ask('DELETE', `/${memories.indexOf('working')}`)
  await memories.ask('PUT', `/${memories.indexOf('working')}`, MAPPING)
  for (const [id, [source]] of Object.entries(WORKING)) await memories.putMemory('working', id, source)
  await memories.putMemory('sessions', 's-1', ALICE)
})
afterAll(async () => {
  await gateway.close()
  await memories.removeAll()
})

async function erase(query: string, subject = 'alice', path = 'sessions/s-1'): Promise<Reply> {
  return call(gateway.url, {
    method: 'DELETE',
    path: `/_plugins/_ml/memory_containers/team/memories/${path}${query}`,
    token: await gateway.token({ subject }),
  })
}

async function left(): Promise<Readonly<Record<string, boolean>>> {
  const there = Object.keys(WORKING).map(async (id) => [id, await memories.hasMemory('working', id)] as const)
  return Object.fromEntries(await Promise.all(there))
}

const EVERYTHING = Object.fromEntries(Object.keys(WORKING).map((id) => [id, true]))
const WITHOUT_ITS_OWN = Object.fromEntries(Object.entries(WORKING).map(([id, [, goes]]) => [id, !goes]))

test('the caller’s working memories of the session go with it, and are counted', async () => {
  const { status, headers, body } = await erase('?cascade=true')
  expect({ status, cascaded: headers['x-memory-cascaded'], ...(body as object) }).toMatchObject({
    status: 200,
    cascaded: '2',
    _id: 's-1',
    result: 'deleted',
  })
  expect(await left()).toEqual(WITHOUT_ITS_OWN)
  expect(await memories.hasMemory('sessions', 's-1')).toBe(false)
})

test.each(['', '?cascade=false'])('not unless it is said: "%s"', async (query) => {
  const { status, headers } = await erase(query)
  expect({ status, cascaded: headers['x-memory-cascaded'] }).toEqual({ status: 200, cascaded: undefined })
  expect(await left()).toEqual(EVERYTHING)
})

test('who may not delete the session deletes nothing of it', async () => {
  expect((await erase('?cascade=true', 'bob')).status).toBe(403)
  expect((await erase('?cascade=true', 'alice', 'sessions/s-2')).status).toBe(404)
  expect(await left()).toEqual(EVERYTHING)
})

test('only sessions have it', async () => {
  const { status, text } = await erase('?cascade=true', 'alice', 'working/one')
  expect({ status, says: text.includes('unrecognized parameter: [cascade]') }).toEqual({ status: 400, says: true })
  expect(await left()).toEqual(EVERYTHING)
})

test('what fails halfway leaves the session, and can be repeated', async () => {
  const settings = `/${memories.indexOf('working')}/_settings`
  await memories.ask('PUT', settings, { 'index.blocks.write': true })
  const { status, text } = await erase('?cascade=true')
  expect({ status, says: text.includes('the session is still there') }).toEqual({ status: 502, says: true })
  expect(await memories.hasMemory('sessions', 's-1')).toBe(true)
  await memories.ask('PUT', settings, { 'index.blocks.write': false })
  expect((await erase('?cascade=true')).headers['x-memory-cascaded']).toBe('2')
})

test('without an index of working memories there is nothing to take along', async () => {
  await memories.ask('DELETE', `/${memories.indexOf('working')}`)
  const { status, headers } = await erase('?cascade')
  expect({ status, cascaded: headers['x-memory-cascaded'] }).toEqual({ status: 200, cascaded: '0' })
})

test('nor where nobody can tell whose they are: nothing is deleted at all', async () => {
  await memories.ask('DELETE', `/${memories.indexOf('working')}`)
  const properties = { owner_id: { type: 'text' }, memory_container_id: keyword, namespace }
  await memories.ask('PUT', `/${memories.indexOf('working')}`, { mappings: { properties } })
  expect((await erase('?cascade=true')).status).toBe(409)
  expect(await memories.hasMemory('sessions', 's-1')).toBe(true)
})
