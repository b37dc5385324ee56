import { CONTAINERS } from './containers.ts'
import { ANYONE, byGateway, json } from './shape.ts'
import type { TranscriptCase } from './shape.ts'

const inSystemIndex = {
  index: '.plugins-ml-am-sys-memory-working',
  id: 'in-system-index',
  source: { memory_container_id: CONTAINERS.system.id, payload_type: 'data' },
}
const inDefaultIndex = {
  index: '.plugins-ml-am-default-memory-working',
  id: 'in-default-index',
  source: { memory_container_id: CONTAINERS.standard.id, payload_type: 'data' },
}
const NO_INDEX_NAME =
  '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory index not found"}],"type":"status_exception","reason":"Memory index not found"},"status":404}'
const NEVER_CREATED = JSON.stringify({
  type: 'index_not_found_exception',
  reason: 'no such index [.plugins-ml-am-default-memory-history]',
  index: '.plugins-ml-am-default-memory-history',
  'resource.id': '.plugins-ml-am-default-memory-history',
  'resource.type': 'index_expression',
  index_uuid: '_na_',
})

/** Containers in system indices were recorded (036, 054), deletes from them were not: what 111, 130 and 133 say, with their index names. */
export const systemIndexCases: readonly TranscriptCase[] = [
  {
    number: '054+111',
    title: 'delete working SYS',
    asks: byGateway(ANYONE),
    memories: [inSystemIndex],
    gone: ['in-system-index'],
    request: {
      method: 'DELETE',
      target: `/_plugins/_ml/memory_containers/${CONTAINERS.system.id}/memories/working/in-system-index`,
    },
    response: json(
      200,
      '{"_index":".plugins-ml-am-sys-memory-working","_id":"in-system-index","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1}',
    ),
  },
  {
    number: '036+111',
    title: 'delete working of the default container',
    asks: byGateway(ANYONE),
    memories: [inDefaultIndex],
    gone: ['in-default-index'],
    request: {
      method: 'DELETE',
      target: `/_plugins/_ml/memory_containers/${CONTAINERS.standard.id}/memories/working/in-default-index`,
    },
    response: json(
      200,
      '{"_index":".plugins-ml-am-default-memory-working","_id":"in-default-index","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1}',
    ),
  },
  {
    number: '036+130',
    title: 'delete session when disabled in the default container',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: `/_plugins/_ml/memory_containers/${CONTAINERS.standard.id}/memories/sessions/x`,
    },
    response: json(404, NO_INDEX_NAME),
  },
  {
    number: '036+133',
    title: 'delete history no index in the default container',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: `/_plugins/_ml/memory_containers/${CONTAINERS.standard.id}/memories/history/x`,
    },
    response: json(404, `{"error":{"root_cause":[${NEVER_CREATED}],${NEVER_CREATED.slice(1, -1)}},"status":404}`),
  },
]
