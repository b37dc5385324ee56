import { routed, workingOfA } from './memories.ts'
import { byCluster, json } from './shape.ts'
import type { TranscriptCase } from './shape.ts'

/** What the gateway relies on when it asks the cluster itself. */
export const clusterCases: readonly TranscriptCase[] = [
  {
    number: '400',
    title: 'direct delete setup',
    asks: byCluster,
    absent: [workingOfA('direct-1')],
    request: {
      method: 'PUT',
      target: '/acme-memory-working/_doc/direct-1?refresh=true',
      headers: { 'content-type': 'application/json' },
      body: '{"memory_container_id":"nQRbAKIBPCoxE759eHuW","payload_type":"data"}',
    },
    response: json(
      201,
      '{"_index":"acme-memory-working","_id":"direct-1","_version":1,"result":"created","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":350035,"_primary_term":2}',
      { location: '/acme-memory-working/_doc/direct-1' },
    ),
  },
  {
    number: '401',
    title: 'direct delete success',
    asks: byCluster,
    after: ['400'],
    request: { method: 'DELETE', target: '/acme-memory-working/_doc/direct-1' },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"direct-1","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":350036,"_primary_term":2}',
    ),
  },
  {
    number: '402',
    title: 'direct delete not found',
    asks: byCluster,
    after: ['400', '401'],
    request: { method: 'DELETE', target: '/acme-memory-working/_doc/direct-1' },
    response: json(
      404,
      '{"_index":"acme-memory-working","_id":"direct-1","_version":3,"result":"not_found","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":350037,"_primary_term":2}',
    ),
  },
  {
    number: '403',
    title: 'direct delete no index',
    asks: byCluster,
    request: { method: 'DELETE', target: '/acme-memory-long-term/_doc/direct-1' },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [acme-memory-long-term]","index":"acme-memory-long-term","resource.id":"acme-memory-long-term","resource.type":"index_expression","index_uuid":"_na_"}],"type":"index_not_found_exception","reason":"no such index [acme-memory-long-term]","index":"acme-memory-long-term","resource.id":"acme-memory-long-term","resource.type":"index_expression","index_uuid":"_na_"},"status":404}',
    ),
  },
  {
    number: '404',
    title: 'bulk delete',
    asks: byCluster,
    memories: [workingOfA('direct-2')],
    gone: ['direct-2'],
    request: {
      method: 'POST',
      target: '/_bulk',
      headers: { 'content-type': 'application/json' },
      body: '{"delete":{"_index":"acme-memory-working","_id":"direct-2"}}\n{"delete":{"_index":"acme-memory-working","_id":"direct-2"}}\n',
    },
    response: json(
      200,
      '{"took":6,"errors":false,"items":[{"delete":{"_index":"acme-memory-working","_id":"direct-2","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":350039,"_primary_term":2,"status":200}},{"delete":{"_index":"acme-memory-working","_id":"direct-2","_version":3,"result":"not_found","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":350040,"_primary_term":2,"status":404}}]}',
    ),
  },
  {
    number: '424',
    title: 'routed doc',
    asks: byCluster,
    absent: [routed],
    request: {
      method: 'PUT',
      target: '/ms-memory-working/_doc/r1?routing=zz&refresh=true',
      headers: { 'content-type': 'application/json' },
      body: '{"payload_type":"data"}',
    },
    response: json(
      201,
      '{"_index":"ms-memory-working","_id":"r1","_version":1,"result":"created","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1}',
      { location: '/ms-memory-working/_doc/r1?routing=zz' },
    ),
  },
  {
    number: '425',
    title: 'routed doc2',
    asks: byCluster,
    request: {
      method: 'PUT',
      target: '/ms-memory-working/_doc/r2?routing=yy&refresh=true',
      headers: { 'content-type': 'application/json' },
      body: '{"payload_type":"data"}',
    },
    response: json(
      201,
      '{"_index":"ms-memory-working","_id":"r2","_version":1,"result":"created","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1}',
      { location: '/ms-memory-working/_doc/r2?routing=yy' },
    ),
  },
  {
    number: '441',
    title: 'nrt index search right after',
    asks: byCluster,
    after: ['440'],
    request: { method: 'GET', target: '/acme-memory-working/_search?q=_id:nrt-1&filter_path=hits.total,hits.hits._id' },
    response: json(200, '{"hits":{"total":{"value":1,"relation":"eq"},"hits":[{"_id":"nrt-1"}]}}'),
  },
]
