import type { Scope } from './principal.ts'

/**
 * How a request on a memory route is served.
 * `ours`: looked at, decided and carried out here, as the delete is.
 * `forwarded`: looked at and decided here, and then sent on as the caller.
 * `admin`: sent on as the caller, unseen, for who may do anything.
 */
type Served = 'ours' | 'forwarded' | 'admin'

interface Operation {
  /** Any of them opens it; the first is the one that is named to whoever holds none. */
  readonly scopes: readonly [Scope, ...Scope[]]
  readonly served: Served
}

const ADMIN = { scopes: ['opensearch:admin'], served: 'admin' } as const satisfies Operation
const READ = ['memory:read', 'memory:read:any'] as const
const WRITE = ['memory:write', 'memory:write:any'] as const
const DELETE = ['memory:delete', 'memory:delete:any'] as const

/** What can be asked of memory containers, which scope it needs, and who serves it. What is not in it, nobody but an administrator may do. */
export const MEMORY_OPERATIONS = {
  // There is no container yet that could say who may; and a container's settings make indices, and name models.
  createContainer: ADMIN,
  // Its query reads every container, whoever's.
  searchContainers: ADMIN,
  getContainer: { scopes: READ, served: 'forwarded' },
  updateContainer: { scopes: WRITE, served: 'forwarded' },
  deleteContainer: { scopes: ['memory:delete:container'], served: 'ours' },
  addMemories: { scopes: WRITE, served: 'forwarded' },
  createSession: { scopes: WRITE, served: 'forwarded' },
  // On a cluster without users the plugin filters both by the container alone, and not by whose the memories are.
  semanticSearch: ADMIN,
  hybridSearch: ADMIN,
  searchMemories: { scopes: READ, served: 'ours' },
  deleteByQuery: { scopes: DELETE, served: 'ours' },
  getMemory: { scopes: READ, served: 'ours' },
  updateMemory: { scopes: WRITE, served: 'forwarded' },
  deleteMemory: { scopes: DELETE, served: 'ours' },
  // They delete, or tell of, memories of everybody.
  previewRetention: ADMIN,
  executeRetention: ADMIN,
  /** A path that this table does not have: a newer plugin may. */
  unknownMemoryRoute: ADMIN,
} as const satisfies Record<string, Operation>

export type MemoryOperation = keyof typeof MEMORY_OPERATIONS

/** The scopes of which a caller needs one. */
export function scopesOf(operation: MemoryOperation): Operation['scopes'] {
  return MEMORY_OPERATIONS[operation].scopes
}

/**
 * The routes that the ml-commons plugin registers under `/_plugins/_ml/memory_containers`, from 3.4 on: what is answered with 405 depends on this
 * list. Methods are in the order in which the server named them where that was recorded; elsewhere in the order of its `RestRequest.Method`.
 */
export interface MemoryRoute {
  /** Literal segments, and parameters in braces, after the prefix. */
  readonly template: readonly string[]
  /** By method. */
  readonly operations: Readonly<Record<string, MemoryOperation>>
}

export const MEMORY_PREFIX = ['_plugins', '_ml', 'memory_containers'] as const

const MEMORIES = ['{container}', 'memories'] as const

/** Literals before parameters: the first template that fits a path is the one the server uses. */
export const MEMORY_ROUTES: readonly MemoryRoute[] = [
  { template: ['_create'], operations: { POST: 'createContainer' } },
  { template: ['_search'], operations: { GET: 'searchContainers', POST: 'searchContainers' } },
  { template: ['_retention', '_dry_run'], operations: { POST: 'previewRetention' } },
  { template: ['_retention', '_execute'], operations: { POST: 'executeRetention' } },
  { template: ['{container}', '_retention', '_dry_run'], operations: { POST: 'previewRetention' } },
  {
    template: ['{container}'],
    operations: { GET: 'getContainer', PUT: 'updateContainer', DELETE: 'deleteContainer' },
  },
  { template: [...MEMORIES], operations: { POST: 'addMemories' } },
  { template: [...MEMORIES, 'sessions'], operations: { POST: 'createSession' } },
  {
    template: [...MEMORIES, 'long-term', '_semantic_search'],
    operations: { GET: 'semanticSearch', POST: 'semanticSearch' },
  },
  { template: [...MEMORIES, 'long-term', '_hybrid_search'], operations: { GET: 'hybridSearch', POST: 'hybridSearch' } },
  { template: [...MEMORIES, '{type}', '_search'], operations: { GET: 'searchMemories', POST: 'searchMemories' } },
  { template: [...MEMORIES, '{type}', '_delete_by_query'], operations: { POST: 'deleteByQuery' } },
  {
    template: [...MEMORIES, '{type}', '{id}'],
    operations: { DELETE: 'deleteMemory', PUT: 'updateMemory', GET: 'getMemory' },
  },
]

/** A path that the server is known not to have (recorded from 3.4): the type without an id. */
export const NO_ROUTE: readonly string[] = [...MEMORIES, '{type}']
