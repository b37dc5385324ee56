import { CONTAINERS } from './containers.ts'
import type { StoredMemory } from './shape.ts'

const A = CONTAINERS.A.id

/** A memory of container A that was not recorded raw: what every working memory has. */
export function workingOfA(id: string): StoredMemory {
  return { index: 'acme-memory-working', id, source: { memory_container_id: A, payload_type: 'data' } }
}

/** 086, also with the feature flag off in 141 */
export const conversation: StoredMemory = {
  index: 'acme-memory-working',
  id: 'vARcAKIBPCoxE759a3sc',
  source: {
    memory_container_id: A,
    payload_type: 'conversational',
    messages: [
      { role: 'user', content: [{ text: 'I am Bob, I really like swimming.', type: 'text' }] },
      { role: 'assistant', content: [{ text: 'Cool, nice.', type: 'text' }] },
    ],
    namespace: { user_id: 'bob', session_id: 'abc123' },
    namespace_size: 2,
    infer: false,
    metadata: { branch: '{"root_event_id":"228nadfs879mtgk","branch_name":"high"}', status: 'checkpoint' },
    tags: { topic: 'personal info' },
    created_time: 1795302386456,
    last_updated_time: 1795302386456,
  },
}

/** 087 */
export const agentState: StoredMemory = {
  index: 'acme-memory-working',
  id: 'vQRcAKIBPCoxE759bHvd',
  source: {
    memory_container_id: A,
    payload_type: 'data',
    structured_data: { time_range: { start: '2025-09-11', end: '2025-09-15' } },
    namespace: { agent_id: 'testAgent1' },
    namespace_size: 1,
    infer: false,
    metadata: { anyobject: 'abc', status: 'checkpoint' },
    tags: { topic: 'agent_state' },
    created_time: 1795302386909,
    last_updated_time: 1795302386909,
  },
}

/** 104 */
export const session: StoredMemory = {
  index: 'acme-memory-sessions',
  id: 'uwRcAKIBPCoxE759aXui',
  source: {
    memory_container_id: A,
    summary: 'This is a test session',
    created_time: 1795302386081,
    last_updated_time: 1795302386081,
    metadata: { key1: 'value1' },
    namespace: { user_id: 'bob' },
  },
}

/** 105 */
export const fact: StoredMemory = {
  index: 'lt-memory-long-term',
  id: 'wwRcAKIBPCoxE759e3up',
  source: {
    created_time: 1795302390655,
    memory: 'User is Bob and likes swimming',
    namespace_size: 1,
    strategy_type: 'SEMANTIC',
    memory_container_id: CONTAINERS.longTerm.id,
    tags: { topic: 'personal info' },
    last_updated_time: 1795302390655,
    memory_embedding: { stub: 1.5 },
    namespace: { user_id: 'bob' },
    strategy_id: 'semantic_4e7c3142',
  },
}

/** 106: what was written when the fact was added */
export const historyOfFact: StoredMemory = {
  index: 'lt-memory-history',
  id: 'xARcAKIBPCoxE759e3vx',
  source: {
    created_time: 1795302390765,
    memory_id: fact.id,
    namespace_size: 1,
    namespace: { user_id: 'bob' },
    action: 'ADD',
    memory_container_id: CONTAINERS.longTerm.id,
    after: { memory: 'User is Bob and likes swimming' },
    tags: { topic: 'personal info' },
  },
}

/** 150 */
export const memoryOfB: StoredMemory = {
  index: 'acme-memory-working',
  id: 'wQRcAKIBPCoxE759c3tB',
  source: {
    memory_container_id: CONTAINERS.B.id,
    payload_type: 'conversational',
    messages: [
      { role: 'user', content: [{ text: 'I am Bob, I really like swimming.', type: 'text' }] },
      { role: 'assistant', content: [{ text: 'Cool, nice.', type: 'text' }] },
    ],
    namespace: { user_id: 'carol' },
    namespace_size: 1,
    infer: false,
    created_time: 1795302388544,
    last_updated_time: 1795302388544,
  },
}

/** 306 */
export const memoryOfAlice: StoredMemory = {
  index: 'own-memory-working',
  id: 'lpBrAKIB8rytUh2D1k2Q',
  source: {
    memory_container_id: CONTAINERS.ofAlice.id,
    payload_type: 'conversational',
    messages: [{ role: 'user', content: [{ text: 'hello', type: 'text' }] }],
    namespace: { user_id: 'alice', session_id: 'lZBrAKIB8rytUh2D1k1A' },
    namespace_size: 2,
    infer: true,
    owner_id: 'alice',
    created_time: 1795303397005,
    last_updated_time: 1795303397005,
  },
}

/** The session that 306 names, after the pattern of 104 */
export const sessionOfAlice: StoredMemory = {
  index: 'own-memory-sessions',
  id: 'lZBrAKIB8rytUh2D1k1A',
  source: { memory_container_id: CONTAINERS.ofAlice.id, owner_id: 'alice', namespace: { user_id: 'alice' } },
}

/** Known from 319: stored before the cluster had users */
export const withoutOwner: StoredMemory = {
  index: 'own-memory-working',
  id: 'noowner',
  source: { memory_container_id: CONTAINERS.ofAlice.id, payload_type: 'data' },
}

/** Known from 412, after the pattern of 104 */
export const sessionWithMemories: StoredMemory = {
  index: 'acme-memory-sessions',
  id: 'cas-1',
  source: { memory_container_id: A, namespace: { user_id: 'bob' } },
}

/** 413 */
export const memoryOfSession: StoredMemory = {
  index: 'acme-memory-working',
  id: 'm5BsAKIB8rytUh2DyU14',
  source: {
    memory_container_id: A,
    payload_type: 'conversational',
    messages: [{ role: 'user', content: [{ text: 'hello', type: 'text' }] }],
    namespace: { user_id: 'bob', session_id: 'cas-1' },
    namespace_size: 2,
    infer: false,
    created_time: 1795303459191,
    last_updated_time: 1795303459191,
  },
}

/** 424, with the container's id, so that nothing but its routing hides it */
export const routed: StoredMemory = {
  index: 'ms-memory-working',
  id: 'r1',
  routing: 'zz',
  source: { memory_container_id: CONTAINERS.severalShards.id, payload_type: 'data' },
}
