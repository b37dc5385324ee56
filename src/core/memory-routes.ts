/**
 * The routes that the ml-commons plugin registers under `/_plugins/_ml/memory_containers`, as of 3.4: what the server answers with
 * 405 or "no handler found" depends on this list. Methods are in the order in which the server named them where
 * that was recorded; elsewhere in the order of its `RestRequest.Method`.
 */
export interface MemoryRoute {
  /** Literal segments, and parameters in braces, after the prefix. */
  readonly template: readonly string[]
  readonly methods: readonly string[]
}

export const MEMORY_PREFIX = ['_plugins', '_ml', 'memory_containers'] as const

const MEMORIES = ['{container}', 'memories'] as const

/** Literals before parameters: the first template that fits a path is the one the server uses. */
export const MEMORY_ROUTES: readonly MemoryRoute[] = [
  { template: ['_create'], methods: ['POST'] },
  { template: ['_search'], methods: ['GET', 'POST'] },
  { template: ['{container}'], methods: ['GET', 'PUT', 'DELETE'] },
  { template: [...MEMORIES], methods: ['POST'] },
  { template: [...MEMORIES, 'sessions'], methods: ['POST'] },
  { template: [...MEMORIES, '{type}', '_search'], methods: ['GET', 'POST'] },
  { template: [...MEMORIES, '{type}', '_delete_by_query'], methods: ['POST'] },
  { template: [...MEMORIES, '{type}', '{id}'], methods: ['DELETE', 'PUT', 'GET'] },
]
