import { requireScope } from '../core/access.ts'
import { scopesOf } from '../core/memory-routes.ts'
import type { MemoryRequest } from '../core/route.ts'
import { handleDeleteByQuery } from './delete-by-query.ts'
import { handleDeleteContainer } from './delete-container.ts'
import { handleDelete } from './delete-memory.ts'
import type { Admitted, Handled, HandlerParts } from './exchange.ts'
import { forwardToContainer, forwardUpdate } from './forward-to-container.ts'
import { handleGet } from './get-memory.ts'
import { handlePassThrough } from './pass-through.ts'
import { handleSearch } from './search-memories.ts'

/** A request on a memory route: who may ask it is in the table, how it is served is here. */
export function handleMemoryRoute(
  parts: HandlerParts,
  exchange: Admitted,
  route: MemoryRequest,
): Handled | Promise<Handled> {
  requireScope(exchange.principal, ...scopesOf(route.kind))
  switch (route.kind) {
    case 'deleteMemory':
      return handleDelete(parts, exchange, route)
    case 'deleteByQuery':
      return handleDeleteByQuery(parts, exchange, route)
    case 'deleteContainer':
      return handleDeleteContainer(parts, exchange, route)
    case 'getMemory':
      return handleGet(parts, exchange, route)
    case 'updateMemory':
      return forwardUpdate(parts, exchange, route)
    case 'searchMemories':
      return handleSearch(parts, exchange, route)
    case 'addMemories':
    case 'getContainer':
    case 'updateContainer':
    case 'createSession':
      return forwardToContainer(parts, exchange, route)
    case 'createContainer':
    case 'searchContainers':
    case 'semanticSearch':
    case 'hybridSearch':
    case 'previewRetention':
    case 'executeRetention':
    case 'unknownMemoryRoute':
      // The operator's rules may close it to administrators too.
      return handlePassThrough(parts, exchange)
  }
}
