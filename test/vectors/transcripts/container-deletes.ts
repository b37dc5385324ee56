import { memoryOfAlice, workingOfA } from './memories.ts'
import { ALICE, ANYONE, byGateway, json } from './shape.ts'
import type { Caller, StoredMemory, TranscriptCase } from './shape.ts'

const OWNER: Caller = {
  ...ANYONE,
  scopes: ['memory:delete:any', 'memory:delete:container'],
  why: 'security was off, so nobody owned the container and anyone could delete it: here that is whoever holds both scopes',
}

function memoryOf(indexPrefix: string, type: string): StoredMemory {
  return { index: `${indexPrefix}-memory-${type}`, id: `${indexPrefix}-${type}`, source: { payload_type: 'data' } }
}

const ALL_OF_LT = ['sessions', 'working', 'long-term', 'history'].map((type) => memoryOf('lt', type))

/** Deletes of whole containers. */
export const containerDeleteCases: readonly TranscriptCase[] = [
  {
    number: '200',
    title: 'delete container plain',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: [memoryOf('plain', 'working')],
    there: ['plain-working'],
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/pQRbAKIBPCoxE759invZ' },
    response: json(
      200,
      '{"_index":".plugins-ml-am-memory-container","_id":"pQRbAKIBPCoxE759invZ","_version":2,"result":"deleted","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":7,"_primary_term":1}',
    ),
  },
  {
    number: '204',
    title: 'delete container missing',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: [memoryOf('plain', 'working')],
    there: ['plain-working'],
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/doesnotexist' },
    response: json(
      500,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Internal server error"}],"type":"status_exception","reason":"Internal server error"},"status":500}',
    ),
  },
  {
    number: '210',
    title: 'delete container shared prefix all',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: [workingOfA('shared')],
    there: ['shared'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/oARbAKIBPCoxE759gXtb?delete_all_memories=true',
    },
    response: json(
      409,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Cannot delete memory indices as multiple containers share the index prefix \'acme\'. Please delete the container without index deletion, or use delete_by_query API for data cleanup."}],"type":"status_exception","reason":"Cannot delete memory indices as multiple containers share the index prefix \'acme\'. Please delete the container without index deletion, or use delete_by_query API for data cleanup."},"status":409}',
    ),
  },
  {
    number: '221',
    title: 'delete container all four',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: ALL_OF_LT,
    gone: ALL_OF_LT.map(({ id }) => id),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/sQRcAKIBPCoxE759XXt-?delete_all_memories=true',
    },
    response: json(
      200,
      '{"_index":".plugins-ml-am-memory-container","_id":"sQRcAKIBPCoxE759XXt-","_version":2,"result":"deleted","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":9,"_primary_term":1}',
    ),
  },
  {
    number: '231',
    title: 'delete container all no strategies',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: [memoryOf('nostrat', 'sessions'), memoryOf('nostrat', 'working')],
    gone: ['nostrat-sessions', 'nostrat-working'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/1QReAKIBPCoxE759l3tq?delete_all_memories=true',
    },
    response: json(
      500,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Internal server error"}],"type":"status_exception","reason":"Internal server error"},"status":500}',
    ),
  },
  {
    number: '241',
    title: 'delete container all session off',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: [memoryOf('sessoff', 'working')],
    gone: ['sessoff-working'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/2AReAKIBPCoxE759m3sV?delete_all_memories=true',
    },
    response: json(
      500,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Internal server error"}],"type":"status_exception","reason":"Internal server error"},"status":500}',
    ),
  },
  {
    number: '251',
    title: 'delete container delete_memories sessions',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: [memoryOf('sel', 'sessions'), memoryOf('sel', 'working')],
    gone: ['sel-sessions'],
    there: ['sel-working'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/2gReAKIBPCoxE759nnsC?delete_memories=sessions',
    },
    response: json(
      200,
      '{"_index":".plugins-ml-am-memory-container","_id":"2gReAKIBPCoxE759nnsC","_version":2,"result":"deleted","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":16,"_primary_term":1}',
    ),
  },
  {
    number: '254',
    title: 'delete container delete_memories bogus',
    asks: byGateway(OWNER),
    deletesContainers: true,
    memories: [memoryOf('plain', 'working')],
    there: ['plain-working'],
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/3gReAKIBPCoxE759o3sk?delete_memories=bogus' },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Invalid memory type: bogus. Must be one of: sessions, working, long-term, history"}],"type":"illegal_argument_exception","reason":"Invalid memory type: bogus. Must be one of: sessions, working, long-term, history"},"status":400}',
    ),
  },
  {
    number: '325',
    title: 'delete container own',
    asks: byGateway({ ...ALICE, scopes: ['memory:delete:container'] }),
    deletesContainers: true,
    memories: [memoryOfAlice],
    there: ['lpBrAKIB8rytUh2D1k2Q'],
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W' },
    response: json(
      200,
      '{"_index":".plugins-ml-am-memory-container","_id":"j5BrAKIB8rytUh2Dwk3W","_version":2,"result":"deleted","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":30,"_primary_term":2}',
    ),
  },
]
