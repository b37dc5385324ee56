import { conversation, fact, historyOfFact, memoryOfB, memoryOfSession } from './memories.ts'
import { byGateway, json } from './shape.ts'
import type { Caller, TranscriptCase } from './shape.ts'

/** Security was off: nobody had a name, and the plugin let anyone read anything. */
const ANY_READER: Caller = {
  subject: 'anyone',
  scopes: ['memory:read:any'],
  why: 'security was off, so the plugin let anyone read anything: here that is whoever holds memory:read:any',
}

const CONTAINERS = '/_plugins/_ml/memory_containers'

/** Reading one memory by its id. */
export const readsCases: readonly TranscriptCase[] = [
  {
    number: '101',
    title: 'get working A',
    asks: byGateway(ANY_READER),
    memories: [conversation],
    there: [conversation.id],
    request: { method: 'GET', target: `${CONTAINERS}/nQRbAKIBPCoxE759eHuW/memories/working/vARcAKIBPCoxE759a3sc` },
    response: json(
      200,
      '{"memory_container_id":"nQRbAKIBPCoxE759eHuW","payload_type":"conversational","messages":[{"role":"user","content":[{"text":"I am Bob, I really like swimming.","type":"text"}]},{"role":"assistant","content":[{"text":"Cool, nice.","type":"text"}]}],"namespace":{"user_id":"bob","session_id":"abc123"},"namespace_size":2,"infer":false,"metadata":{"branch":"{\\"root_event_id\\":\\"228nadfs879mtgk\\",\\"branch_name\\":\\"high\\"}","status":"checkpoint"},"tags":{"topic":"personal info"},"created_time":1795302386456,"last_updated_time":1795302386456}',
    ),
  },
  {
    number: '102',
    title: 'get longterm LT',
    asks: byGateway(ANY_READER),
    memories: [fact],
    there: [fact.id],
    request: { method: 'GET', target: `${CONTAINERS}/sQRcAKIBPCoxE759XXt-/memories/long-term/wwRcAKIBPCoxE759e3up` },
    response: json(
      200,
      '{"memory":"User is Bob and likes swimming","strategy_type":"SEMANTIC","tags":{"topic":"personal info"},"namespace":{"user_id":"bob"},"namespace_size":1,"created_time":1795302390655,"last_updated_time":1795302390655,"memory_embedding":{"stub":1.5},"strategy_id":"semantic_4e7c3142"}',
    ),
  },
  {
    number: '103',
    title: 'get history LT',
    asks: byGateway(ANY_READER),
    memories: [historyOfFact],
    there: [historyOfFact.id],
    request: { method: 'GET', target: `${CONTAINERS}/sQRcAKIBPCoxE759XXt-/memories/history/xARcAKIBPCoxE759e3vx` },
    response: json(
      200,
      '{"memory_container_id":"sQRcAKIBPCoxE759XXt-","memory_id":"wwRcAKIBPCoxE759e3up","action":"ADD","after":{"memory":"User is Bob and likes swimming"},"namespace":{"user_id":"bob"},"namespace_size":1,"tags":{"topic":"personal info"},"created_time":1795302390765}',
    ),
  },
  {
    number: '151',
    title: "get B's memory via A",
    asks: byGateway(ANY_READER),
    memories: [memoryOfB],
    there: [memoryOfB.id],
    request: { method: 'GET', target: `${CONTAINERS}/nQRbAKIBPCoxE759eHuW/memories/working/wQRcAKIBPCoxE759c3tB` },
    response: json(
      200,
      '{"memory_container_id":"oARbAKIBPCoxE759gXtb","payload_type":"conversational","messages":[{"role":"user","content":[{"text":"I am Bob, I really like swimming.","type":"text"}]},{"role":"assistant","content":[{"text":"Cool, nice.","type":"text"}]}],"namespace":{"user_id":"carol"},"namespace_size":1,"infer":false,"created_time":1795302388544,"last_updated_time":1795302388544}',
    ),
  },
  {
    number: '153',
    title: "get B's memory via B after it was deleted",
    asks: byGateway(ANY_READER),
    absent: [memoryOfB],
    request: { method: 'GET', target: `${CONTAINERS}/oARbAKIBPCoxE759gXtb/memories/working/wQRcAKIBPCoxE759c3tB` },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory not found"}],"type":"status_exception","reason":"Memory not found"},"status":404}',
    ),
  },
  {
    number: '413',
    title: 'working memory of deleted session',
    asks: byGateway(ANY_READER),
    after: ['412'],
    memories: [memoryOfSession],
    there: [memoryOfSession.id],
    request: { method: 'GET', target: `${CONTAINERS}/nQRbAKIBPCoxE759eHuW/memories/working/m5BsAKIB8rytUh2DyU14` },
    response: json(
      200,
      '{"memory_container_id":"nQRbAKIBPCoxE759eHuW","payload_type":"conversational","messages":[{"role":"user","content":[{"text":"hello","type":"text"}]}],"namespace":{"user_id":"bob","session_id":"cas-1"},"namespace_size":2,"infer":false,"created_time":1795303459191,"last_updated_time":1795303459191}',
    ),
  },
]
