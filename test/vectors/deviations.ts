import { json } from './transcripts/shape.ts'
import type { Caller, RecordedResponse } from './transcripts/shape.ts'

/** One way in which the gateway answers otherwise than the plugin did, on purpose. */
export interface Deviation {
  /** The number of the recording. */
  readonly number: string
  /** Asks in place of the case's own caller; the recording is kept where that one asks. */
  readonly caller?: Caller
  readonly plugin: string
  readonly gateway: RecordedResponse
  readonly why: string
  /** Memories of the case that are gone, or still there, afterwards. */
  readonly gone?: readonly string[]
  readonly there?: readonly string[]
}

/** Somebody with a name and nothing else. */
const SOMEBODY: Caller = {
  subject: 'somebody',
  scopes: ['memory:delete'],
  why: 'the default: a caller who may delete memories of their own',
}
const ROOT_BY_ROLE: Caller = {
  subject: 'root',
  scopes: ['memory:delete'],
  backendRoles: ['admin'],
  roles: ['all_access'],
  why: 'the same user, without the scope memory:delete:any',
}

const NOT_FOUND = statusException(404, 'Memory not found')
const NOT_THE_OWNER = statusException(403, "User doesn't have permissions to delete this memory")
const NOT_ADMITTED = statusException(403, "User doesn't have permissions to delete memories in this container")
const UNOWNED = {
  caller: SOMEBODY,
  plugin: '200: with security off, anyone deletes any memory',
  gateway: NOT_THE_OWNER,
  why: 'whose a memory without an owner is, the setting memory.ownership says: refused by default',
}

/** Where the gateway differs from the plugin on purpose. Any other difference from a recording is a fault. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    number: '152',
    plugin: '200: deletes a memory of another container on the same index prefix',
    gateway: NOT_FOUND,
    why: 'whoever is admitted to one container must not delete the memories of another',
    there: ['wQRcAKIBPCoxE759c3tB'],
  },
  {
    number: '152',
    caller: SOMEBODY,
    plugin: '200: deletes a memory of another container on the same index prefix',
    gateway: NOT_FOUND,
    why: 'the same without memory:delete:any',
    there: ['wQRcAKIBPCoxE759c3tB'],
  },
  {
    number: '151',
    plugin: '200: reads a memory of another container on the same index prefix',
    gateway: NOT_FOUND,
    why: 'whoever is admitted to one container must not read the memories of another',
    there: ['wQRcAKIBPCoxE759c3tB'],
  },
  {
    number: '151',
    caller: { ...SOMEBODY, scopes: ['memory:read'] },
    plugin: '200: reads a memory of another container on the same index prefix',
    gateway: NOT_FOUND,
    why: 'the same without memory:read:any',
    there: ['wQRcAKIBPCoxE759c3tB'],
  },
  {
    number: '101',
    caller: { ...SOMEBODY, scopes: ['memory:read'] },
    plugin: '200: with security off, anyone reads any memory',
    gateway: statusException(403, "User doesn't have permissions to get this memory"),
    why: UNOWNED.why,
    there: ['vARcAKIBPCoxE759a3sc'],
  },
  {
    number: '312',
    plugin: '403: finds the memory of another container, and refuses it for its owner',
    gateway: NOT_FOUND,
    why: "a memory of another container is not this container's, and that it exists is nobody's business here",
    there: ['lpBrAKIB8rytUh2D1k2Q'],
  },
  { number: '110', ...UNOWNED, there: ['uwRcAKIBPCoxE759aXui'] },
  { number: '111', ...UNOWNED, there: ['vQRcAKIBPCoxE759bHvd'] },
  { number: '112', ...UNOWNED, there: ['wwRcAKIBPCoxE759e3up'] },
  { number: '114', ...UNOWNED, there: ['xARcAKIBPCoxE759e3vx'] },
  {
    number: '323',
    caller: ROOT_BY_ROLE,
    plugin: '200: the role all_access may delete anything',
    gateway: NOT_ADMITTED,
    why: 'a role is a word of the issuer, and means nothing here: memory:delete:any is the only override',
    there: ['lZBrAKIB8rytUh2D1k1A'],
  },
  {
    number: '160',
    caller: SOMEBODY,
    plugin: '200: with security off, anyone deletes any memory',
    gateway: json(
      200,
      '{"took":1,"timed_out":false,"total":0,"updated":0,"created":0,"deleted":0,"batches":0,"version_conflicts":0,"noops":0,"retries":{"bulk":0,"search":0},"throttled_millis":0,"requests_per_second":-1.0,"throttled_until_millis":0,"failures":[]}',
    ),
    why: 'whose a memory without an owner is, the setting memory.ownership says: nobody deletes it by query either',
    there: ['dbq-1', 'dbq-2', 'dbq-3', 'ofB'],
  },
  {
    number: '165',
    plugin: '400: in the words of its JSON parser',
    gateway: badRequest('parse_exception', 'The body must be JSON'),
    why: 'what two parsers could read two ways is refused before the cluster sees it',
    there: ['dbq-3'],
  },
  {
    number: '166',
    plugin: '400: unknown query, with its line and column',
    gateway: badRequest(
      'parsing_exception',
      'The query kind [nosuch] is not allowed here; allowed are match_all, ids, term, terms, range, exists, prefix, match, match_phrase, bool, constant_score, nested',
    ),
    why: 'kinds come from a list: one that the cluster knows may read another index, or hide a query',
    there: ['dbq-3'],
  },
  {
    number: '204',
    plugin: '500 for a container that is not there',
    gateway: statusException(404, 'Memory container not found'),
    why: 'as every other route answers for it',
    there: ['plain-working'],
  },
  {
    number: '231',
    plugin: "500: an index that was never created stops it when the container's document is gone already",
    gateway: containerDeleted('1QReAKIBPCoxE759l3tq'),
    why: 'an index that is not there needs no deleting, and no index must be left behind that nobody names',
    gone: ['nostrat-sessions', 'nostrat-working'],
  },
  {
    number: '241',
    plugin: '500: a type that is switched off has no index, and the others stay behind',
    gateway: containerDeleted('2AReAKIBPCoxE759m3sV'),
    why: 'the same with a type that is switched off',
    gone: ['sessoff-working'],
  },
  {
    number: '180',
    plugin: '400: refresh is an unrecognized parameter',
    gateway: json(
      200,
      '{"_index":"acme-memory-working","_id":"zQReAKIBPCoxE759B3vp","_version":2,"result":"deleted","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":2,"_primary_term":1}',
    ),
    why: "refresh=true, false and wait_for are the one parameter of the gateway's own: who wants to see the delete at once can say so",
    gone: ['zQReAKIBPCoxE759B3vp'],
  },
  {
    number: '141',
    plugin: '403: the feature flag plugins.ml_commons.agentic_memory_enabled is off',
    gateway: json(
      200,
      '{"_index":"acme-memory-working","_id":"vARcAKIBPCoxE759a3sc","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":2,"_primary_term":1}',
    ),
    why: 'the flag is not looked at: the cluster may not have the plugin at all',
    gone: ['vARcAKIBPCoxE759a3sc'],
  },
  {
    number: '142',
    plugin: '403: the feature flag is off, which is found out before the type',
    gateway: illegalArgument('Invalid memory type: foo. Must be one of: sessions, working, long-term, history'),
    why: 'the flag is not looked at',
    there: ['vARcAKIBPCoxE759a3sc'],
  },
]

function statusException(status: number, reason: string): RecordedResponse {
  const cause = { type: 'status_exception', reason }
  return json(status, JSON.stringify({ error: { root_cause: [cause], ...cause }, status }))
}

function containerDeleted(id: string): RecordedResponse {
  return json(
    200,
    `{"_index":".plugins-ml-am-memory-container","_id":"${id}","_version":2,"result":"deleted","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":7,"_primary_term":1}`,
  )
}

function illegalArgument(reason: string): RecordedResponse {
  return badRequest('illegal_argument_exception', reason)
}

function badRequest(type: string, reason: string): RecordedResponse {
  const cause = { type, reason }
  return json(400, JSON.stringify({ error: { root_cause: [cause], ...cause }, status: 400 }))
}
