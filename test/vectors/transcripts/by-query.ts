import { CONTAINERS } from './containers.ts'
import { memoryOfAlice, workingOfA } from './memories.ts'
import { ANYONE, BOB, CAROL, byGateway, json } from './shape.ts'
import type { StoredMemory, TranscriptCase } from './shape.ts'

function ofUser1(id: string): StoredMemory {
  return { ...workingOfA(id), source: { ...workingOfA(id).source, namespace: { user_id: 'u1' } } }
}

/** Of the container that shares its index with A, as in 177. */
const ofUser1OfB: StoredMemory = {
  index: 'acme-memory-working',
  id: 'ofB',
  source: { memory_container_id: CONTAINERS.B.id, namespace: { user_id: 'u1' } },
}

const memoryOfBob: StoredMemory = {
  index: 'own-memory-working',
  id: 'ofBob',
  source: { memory_container_id: CONTAINERS.ofBob.id, owner_id: 'bob' },
}

/** Deletes by query. */
export const byQueryCases: readonly TranscriptCase[] = [
  {
    number: '160',
    title: 'dbq success',
    asks: byGateway(ANYONE),
    memories: [ofUser1('dbq-1'), ofUser1('dbq-2'), workingOfA('dbq-3'), ofUser1OfB],
    gone: ['dbq-1', 'dbq-2'],
    there: ['dbq-3', 'ofB'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"term":{"namespace.user_id":"u1"}}}',
    },
    response: json(
      200,
      '{"took":150,"timed_out":false,"total":2,"updated":0,"created":0,"deleted":2,"batches":1,"version_conflicts":0,"noops":0,"retries":{"bulk":0,"search":0},"throttled_millis":0,"requests_per_second":-1.0,"throttled_until_millis":0,"failures":[]}',
    ),
  },
  {
    number: '162',
    title: 'dbq no match',
    asks: byGateway(ANYONE),
    memories: [ofUser1('dbq-1')],
    there: ['dbq-1'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"term":{"namespace.user_id":"nobody"}}}',
    },
    response: json(
      200,
      '{"took":3,"timed_out":false,"total":0,"updated":0,"created":0,"deleted":0,"batches":0,"version_conflicts":0,"noops":0,"retries":{"bulk":0,"search":0},"throttled_millis":0,"requests_per_second":-1.0,"throttled_until_millis":0,"failures":[]}',
    ),
  },
  {
    number: '163',
    title: 'dbq no body',
    asks: byGateway(ANYONE),
    memories: [workingOfA('dbq-3')],
    there: ['dbq-3'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"action_request_validation_exception","reason":"Validation Failed: 1: Query is required;"}],"type":"action_request_validation_exception","reason":"Validation Failed: 1: Query is required;"},"status":400}',
    ),
  },
  {
    number: '164',
    title: 'dbq empty object',
    asks: byGateway(ANYONE),
    memories: [workingOfA('dbq-3')],
    there: ['dbq-3'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"action_request_validation_exception","reason":"Validation Failed: 1: Query is required;"}],"type":"action_request_validation_exception","reason":"Validation Failed: 1: Query is required;"},"status":400}',
    ),
  },
  {
    number: '165',
    title: 'dbq malformed json',
    asks: byGateway(ANYONE),
    memories: [workingOfA('dbq-3')],
    there: ['dbq-3'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"json_e_o_f_exception","reason":"Unexpected end-of-input within/between Object entries\\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 10]"}],"type":"json_e_o_f_exception","reason":"Unexpected end-of-input within/between Object entries\\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 10]"},"status":400}',
    ),
  },
  {
    number: '166',
    title: 'dbq unknown query',
    asks: byGateway(ANYONE),
    memories: [workingOfA('dbq-3')],
    there: ['dbq-3'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"nosuch":{"a":"b"}}}',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"parsing_exception","reason":"unknown query [nosuch]","line":1,"col":20}],"type":"parsing_exception","reason":"unknown query [nosuch]","line":1,"col":20,"caused_by":{"type":"named_object_not_found_exception","reason":"[1:20] unknown field [nosuch]"}},"status":400}',
    ),
  },
  {
    number: '170',
    title: 'dbq extra keys',
    asks: byGateway(ANYONE),
    memories: [ofUser1('dbq-1')],
    there: ['dbq-1'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"max_docs":1,"size":1,"query":{"term":{"namespace.user_id":"nobody"}}}',
    },
    response: json(
      200,
      '{"took":3,"timed_out":false,"total":0,"updated":0,"created":0,"deleted":0,"batches":0,"version_conflicts":0,"noops":0,"retries":{"bulk":0,"search":0},"throttled_millis":0,"requests_per_second":-1.0,"throttled_until_millis":0,"failures":[]}',
    ),
  },
  {
    number: '171',
    title: 'dbq wrong type',
    asks: byGateway(ANYONE),
    memories: [workingOfA('dbq-3')],
    there: ['dbq-3'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/foo/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Invalid memory type: foo. Must be one of: sessions, working, long-term, history"}],"type":"illegal_argument_exception","reason":"Invalid memory type: foo. Must be one of: sessions, working, long-term, history"},"status":400}',
    ),
  },
  {
    number: '172',
    title: 'dbq missing container',
    asks: byGateway(ANYONE),
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/doesnotexist/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory container not found"}],"type":"status_exception","reason":"Memory container not found"},"status":404}',
    ),
  },
  {
    number: '173',
    title: 'dbq session disabled',
    asks: byGateway(ANYONE),
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/owRbAKIBPCoxE759h3tU/memories/sessions/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Invalid memory type or memory type is disabled: sessions"}],"type":"status_exception","reason":"Invalid memory type or memory type is disabled: sessions"},"status":400}',
    ),
  },
  {
    number: '174',
    title: 'dbq no such index',
    asks: byGateway(ANYONE),
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/long-term/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [acme-memory-long-term]","index":"acme-memory-long-term","resource.id":"acme-memory-long-term","resource.type":"index_or_alias","index_uuid":"_na_"}],"type":"index_not_found_exception","reason":"no such index [acme-memory-long-term]","index":"acme-memory-long-term","resource.id":"acme-memory-long-term","resource.type":"index_or_alias","index_uuid":"_na_"},"status":404}',
    ),
  },
  {
    number: '175',
    title: 'dbq url param',
    asks: byGateway(ANYONE),
    memories: [workingOfA('dbq-3')],
    there: ['dbq-3'],
    request: {
      method: 'POST',
      target:
        '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query?wait_for_completion=false',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"request [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query] contains unrecognized parameter: [wait_for_completion]"}],"type":"illegal_argument_exception","reason":"request [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query] contains unrecognized parameter: [wait_for_completion]"},"status":400}',
    ),
  },
  {
    number: '176',
    title: 'dbq match all A',
    asks: byGateway(ANYONE),
    empties: 'acme-memory-working',
    memories: [ofUser1('dbq-1'), workingOfA('dbq-3'), ofUser1OfB],
    gone: ['dbq-1', 'dbq-3'],
    there: ['ofB'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      200,
      '{"took":55,"timed_out":false,"total":2,"updated":0,"created":0,"deleted":2,"batches":1,"version_conflicts":0,"noops":0,"retries":{"bulk":0,"search":0},"throttled_millis":0,"requests_per_second":-1.0,"throttled_until_millis":0,"failures":[]}',
    ),
  },
  {
    number: '313',
    title: 'dbq not owner',
    asks: byGateway(CAROL),
    memories: [memoryOfAlice],
    there: ['lpBrAKIB8rytUh2D1k2Q'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/j5BrAKIB8rytUh2Dwk3W/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      200,
      '{"took":37,"timed_out":false,"total":0,"updated":0,"created":0,"deleted":0,"batches":0,"version_conflicts":0,"noops":0,"retries":{"bulk":0,"search":0},"throttled_millis":0,"requests_per_second":-1.0,"throttled_until_millis":0,"failures":[]}',
    ),
  },
  {
    number: '324',
    title: 'dbq own',
    asks: byGateway(BOB),
    memories: [memoryOfAlice, memoryOfBob],
    gone: ['ofBob'],
    there: ['lpBrAKIB8rytUh2D1k2Q'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/lJBrAKIB8rytUh2DzE2z/memories/working/_delete_by_query',
      headers: { 'content-type': 'application/json' },
      body: '{"query":{"match_all":{}}}',
    },
    response: json(
      200,
      '{"took":83,"timed_out":false,"total":1,"updated":0,"created":0,"deleted":1,"batches":1,"version_conflicts":0,"noops":0,"retries":{"bulk":0,"search":0},"throttled_millis":0,"requests_per_second":-1.0,"throttled_until_millis":0,"failures":[]}',
    ),
  },
  {
    number: '405',
    title: 'dbq no content type',
    asks: byGateway(ANYONE),
    memories: [workingOfA('dbq-3')],
    there: ['dbq-3'],
    request: {
      method: 'POST',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
      body: '{"query":{"match_all":{}}}',
    },
    response: json(406, '{"error":"Content-Type header [] is not supported","status":406}'),
  },
]
