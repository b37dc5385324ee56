import {
  agentState,
  conversation,
  fact,
  historyOfFact,
  memoryOfB,
  memoryOfSession,
  routed,
  session,
  sessionWithMemories,
  workingOfA,
} from './memories.ts'
import { ANYONE, byCluster, byGateway, json } from './shape.ts'
import type { TranscriptCase } from './shape.ts'

/** What a delete of one memory comes to, on a cluster without users. */
export const outcomesCases: readonly TranscriptCase[] = [
  {
    number: '010',
    title: 'delete memory no container index',
    asks: byGateway(ANYONE),
    withoutContainers: true,
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/doesnotexist/memories/working/nope' },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory container not found"}],"type":"status_exception","reason":"Memory container not found"},"status":404}',
    ),
  },
  {
    number: '110',
    title: 'delete session A',
    asks: byGateway(ANYONE),
    memories: [session],
    gone: ['uwRcAKIBPCoxE759aXui'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/sessions/uwRcAKIBPCoxE759aXui',
    },
    response: json(
      200,
      '{"_index":"acme-memory-sessions","_id":"uwRcAKIBPCoxE759aXui","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":2,"_primary_term":1}',
    ),
  },
  {
    number: '111',
    title: 'delete working A',
    asks: byGateway(ANYONE),
    memories: [agentState],
    gone: ['vQRcAKIBPCoxE759bHvd'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/vQRcAKIBPCoxE759bHvd',
    },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"vQRcAKIBPCoxE759bHvd","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":4,"_primary_term":1}',
    ),
  },
  {
    number: '112',
    title: 'delete longterm LT',
    asks: byGateway(ANYONE),
    memories: [fact, historyOfFact],
    gone: ['wwRcAKIBPCoxE759e3up'],
    there: ['xARcAKIBPCoxE759e3vx'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/sQRcAKIBPCoxE759XXt-/memories/long-term/wwRcAKIBPCoxE759e3up',
    },
    response: json(
      200,
      '{"_index":"lt-memory-long-term","_id":"wwRcAKIBPCoxE759e3up","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1}',
    ),
  },
  {
    number: '113',
    title: 'history after longterm delete',
    asks: byCluster,
    after: ['112'],
    request: { method: 'GET', target: '/lt-memory-history/_count' },
    response: json(200, '{"count":1,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0}}'),
  },
  {
    number: '114',
    title: 'delete history LT',
    asks: byGateway(ANYONE),
    memories: [historyOfFact],
    gone: ['xARcAKIBPCoxE759e3vx'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/sQRcAKIBPCoxE759XXt-/memories/history/xARcAKIBPCoxE759e3vx',
    },
    response: json(
      200,
      '{"_index":"lt-memory-history","_id":"xARcAKIBPCoxE759e3vx","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1}',
    ),
  },
  {
    number: '119',
    title: 'delete working again A',
    asks: byGateway(ANYONE),
    after: ['111'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/vQRcAKIBPCoxE759bHvd',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory not found"}],"type":"status_exception","reason":"Memory not found"},"status":404}',
    ),
  },
  {
    number: '120',
    title: 'delete wrong type',
    asks: byGateway(ANYONE),
    memories: [conversation],
    there: ['vARcAKIBPCoxE759a3sc'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/foo/vARcAKIBPCoxE759a3sc',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Invalid memory type: foo. Must be one of: sessions, working, long-term, history"}],"type":"illegal_argument_exception","reason":"Invalid memory type: foo. Must be one of: sessions, working, long-term, history"},"status":400}',
    ),
  },
  {
    number: '122',
    title: 'delete type singular session',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/session/abc123',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Invalid memory type: session. Must be one of: sessions, working, long-term, history"}],"type":"illegal_argument_exception","reason":"Invalid memory type: session. Must be one of: sessions, working, long-term, history"},"status":400}',
    ),
  },
  {
    number: '123',
    title: 'delete upper case type',
    asks: byGateway(ANYONE),
    memories: [workingOfA('vgRcAKIBPCoxE759bntL')],
    gone: ['vgRcAKIBPCoxE759bntL'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/WORKING/vgRcAKIBPCoxE759bntL',
    },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"vgRcAKIBPCoxE759bntL","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":5,"_primary_term":1}',
    ),
  },
  {
    number: '125',
    title: 'delete missing container',
    asks: byGateway(ANYONE),
    memories: [conversation],
    there: ['vARcAKIBPCoxE759a3sc'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/doesnotexist/memories/working/vARcAKIBPCoxE759a3sc',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory container not found"}],"type":"status_exception","reason":"Memory container not found"},"status":404}',
    ),
  },
  {
    number: '126',
    title: 'delete missing id sessions',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/sessions/nope',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory not found"}],"type":"status_exception","reason":"Memory not found"},"status":404}',
    ),
  },
  {
    number: '130',
    title: 'delete session when disabled',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/owRbAKIBPCoxE759h3tU/memories/sessions/abc123',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory index not found"}],"type":"status_exception","reason":"Memory index not found"},"status":404}',
    ),
  },
  {
    number: '131',
    title: 'delete history when disabled',
    asks: byGateway(ANYONE),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/owRbAKIBPCoxE759h3tU/memories/history/abc' },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory index not found"}],"type":"status_exception","reason":"Memory index not found"},"status":404}',
    ),
  },
  {
    number: '132',
    title: 'delete longterm no index',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/long-term/abc',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [acme-memory-long-term]","index":"acme-memory-long-term","resource.id":"acme-memory-long-term","resource.type":"index_expression","index_uuid":"_na_"}],"type":"index_not_found_exception","reason":"no such index [acme-memory-long-term]","index":"acme-memory-long-term","resource.id":"acme-memory-long-term","resource.type":"index_expression","index_uuid":"_na_"},"status":404}',
    ),
  },
  {
    number: '133',
    title: 'delete history no index',
    asks: byGateway(ANYONE),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/history/abc' },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [acme-memory-history]","index":"acme-memory-history","resource.id":"acme-memory-history","resource.type":"index_expression","index_uuid":"_na_"}],"type":"index_not_found_exception","reason":"no such index [acme-memory-history]","index":"acme-memory-history","resource.id":"acme-memory-history","resource.type":"index_expression","index_uuid":"_na_"},"status":404}',
    ),
  },
  {
    number: '136',
    title: 'delete missing container wrong type',
    asks: byGateway(ANYONE),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/doesnotexist/memories/foo/x' },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Invalid memory type: foo. Must be one of: sessions, working, long-term, history"}],"type":"illegal_argument_exception","reason":"Invalid memory type: foo. Must be one of: sessions, working, long-term, history"},"status":400}',
    ),
  },
  {
    number: '141',
    title: 'delete memory feature off',
    asks: byGateway(ANYONE),
    memories: [conversation],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/vARcAKIBPCoxE759a3sc',
    },
    response: json(
      403,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"The Agentic Memory APIs are not enabled. To enable, please update the setting plugins.ml_commons.agentic_memory_enabled"}],"type":"status_exception","reason":"The Agentic Memory APIs are not enabled. To enable, please update the setting plugins.ml_commons.agentic_memory_enabled"},"status":403}',
    ),
  },
  {
    number: '142',
    title: 'delete memory feature off wrong type',
    asks: byGateway(ANYONE),
    memories: [conversation],
    there: ['vARcAKIBPCoxE759a3sc'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/foo/vARcAKIBPCoxE759a3sc',
    },
    response: json(
      403,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"The Agentic Memory APIs are not enabled. To enable, please update the setting plugins.ml_commons.agentic_memory_enabled"}],"type":"status_exception","reason":"The Agentic Memory APIs are not enabled. To enable, please update the setting plugins.ml_commons.agentic_memory_enabled"},"status":403}',
    ),
  },
  {
    number: '152',
    title: 'delete Bs memory via A',
    asks: byGateway(ANYONE),
    memories: [memoryOfB],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/wQRcAKIBPCoxE759c3tB',
    },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"wQRcAKIBPCoxE759c3tB","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":6,"_primary_term":1}',
    ),
  },
  {
    number: '412',
    title: 'delete session',
    asks: byGateway(ANYONE),
    memories: [sessionWithMemories, memoryOfSession],
    gone: ['cas-1'],
    there: ['m5BsAKIB8rytUh2DyU14'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/sessions/cas-1',
    },
    response: json(
      200,
      '{"_index":"acme-memory-sessions","_id":"cas-1","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":5,"_primary_term":2}',
    ),
  },
  {
    number: '422',
    title: 'delete memory index dropped',
    asks: byGateway(ANYONE),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/nJBsAKIB8rytUh2D0k3L/memories/working/x' },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [gone-memory-working]","index":"gone-memory-working","resource.id":"gone-memory-working","resource.type":"index_expression","index_uuid":"_na_"}],"type":"index_not_found_exception","reason":"no such index [gone-memory-working]","index":"gone-memory-working","resource.id":"gone-memory-working","resource.type":"index_expression","index_uuid":"_na_"},"status":404}',
    ),
  },
  {
    number: '426',
    title: 'delete routed r1',
    asks: byGateway(ANYONE),
    memories: [routed],
    there: ['r1'],
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/npBsAKIB8rytUh2D1E2t/memories/working/r1' },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory not found"}],"type":"status_exception","reason":"Memory not found"},"status":404}',
    ),
  },
  {
    number: '440',
    title: 'nrt delete',
    asks: byGateway(ANYONE),
    memories: [workingOfA('nrt-1')],
    gone: ['nrt-1'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/nrt-1',
    },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"nrt-1","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":350044,"_primary_term":2}',
    ),
  },
]
