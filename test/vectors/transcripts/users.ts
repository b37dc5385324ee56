import { memoryOfAlice, sessionOfAlice, withoutOwner } from './memories.ts'
import { ALICE, BOB, CAROL, ROOT, byGateway, json } from './shape.ts'
import type { TranscriptCase } from './shape.ts'

/** Who may delete what, with users as the security plugin would name them. */
export const usersCases: readonly TranscriptCase[] = [
  {
    number: '310',
    title: 'delete no container access',
    asks: byGateway(BOB),
    memories: [memoryOfAlice],
    there: ['lpBrAKIB8rytUh2D1k2Q'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/working/lpBrAKIB8rytUh2D1k2Q',
    },
    response: json(
      403,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"User doesn\'t have permissions to delete memories in this container"}],"type":"status_exception","reason":"User doesn\'t have permissions to delete memories in this container"},"status":403}',
    ),
  },
  {
    number: '311',
    title: 'delete container access not owner',
    asks: byGateway(CAROL),
    memories: [memoryOfAlice],
    there: ['lpBrAKIB8rytUh2D1k2Q'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/working/lpBrAKIB8rytUh2D1k2Q',
    },
    response: json(
      403,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"User doesn\'t have permissions to delete this memory"}],"type":"status_exception","reason":"User doesn\'t have permissions to delete this memory"},"status":403}',
    ),
  },
  {
    number: '312',
    title: 'delete alices memory through bobs container',
    asks: byGateway(BOB),
    memories: [memoryOfAlice],
    there: ['lpBrAKIB8rytUh2D1k2Q'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/lJBrAKIB8rytUh2DzE2z/memories/working/lpBrAKIB8rytUh2D1k2Q',
    },
    response: json(
      403,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"User doesn\'t have permissions to delete this memory"}],"type":"status_exception","reason":"User doesn\'t have permissions to delete this memory"},"status":403}',
    ),
  },
  {
    number: '319',
    title: 'delete memory without owner_id',
    asks: byGateway(ALICE),
    memories: [withoutOwner],
    there: ['noowner'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/working/noowner',
    },
    response: json(
      403,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"User doesn\'t have permissions to delete this memory"}],"type":"status_exception","reason":"User doesn\'t have permissions to delete this memory"},"status":403}',
    ),
  },
  {
    number: '320',
    title: 'delete missing memory no container access',
    asks: byGateway(BOB),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/working/nope' },
    response: json(
      403,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"User doesn\'t have permissions to delete memories in this container"}],"type":"status_exception","reason":"User doesn\'t have permissions to delete memories in this container"},"status":403}',
    ),
  },
  {
    number: '321',
    title: 'delete missing memory container access',
    asks: byGateway(CAROL),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/working/nope' },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory not found"}],"type":"status_exception","reason":"Memory not found"},"status":404}',
    ),
  },
  {
    number: '322',
    title: 'delete own',
    asks: byGateway(ALICE),
    memories: [memoryOfAlice],
    gone: ['lpBrAKIB8rytUh2D1k2Q'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/working/lpBrAKIB8rytUh2D1k2Q',
    },
    response: json(
      200,
      '{"_index":"own-memory-working","_id":"lpBrAKIB8rytUh2D1k2Q","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":3,"_primary_term":1}',
    ),
  },
  {
    number: '323',
    title: 'delete as all_access',
    asks: byGateway(ROOT),
    memories: [sessionOfAlice],
    gone: ['lZBrAKIB8rytUh2D1k1A'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/sessions/lZBrAKIB8rytUh2D1k1A',
    },
    response: json(
      200,
      '{"_index":"own-memory-sessions","_id":"lZBrAKIB8rytUh2D1k1A","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1}',
    ),
  },
]
