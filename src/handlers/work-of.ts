import { requireScope } from '../core/access.ts'
import { scopesOf } from '../core/memory-routes.ts'
import type { Principal, Scope } from '../core/principal.ts'
import { isMemoryRequest } from '../core/route.ts'
import type { Route } from '../core/route.ts'
import { deleteWhatIsFound } from './delete-by-query.ts'
import { deleteWhole } from './delete-container.ts'
import { deleteSeveral } from './delete-memories.ts'
import { deleteOne } from './delete-memory.ts'
import { executeRetention } from './execute-retention.ts'
import { forwardToContainer, forwardUpdate } from './forward-to-container.ts'
import { getOne } from './get-memory.ts'
import { passThrough } from './pass-through.ts'
import { ruled } from './ruled.ts'
import { publishKeys } from './publish-keys.ts'
import { searchThem } from './search-memories.ts'
import { answerUnknownPath } from './unknown-path.ts'
import type { Work } from './work.ts'

type Kind = Route['kind']
type WorkOn<One extends Kind> = Work<Extract<Route, { kind: One }>>

/** The one table of what is done for each kind of request, for whoever does it and whoever asks what would be done. */
const WORKS: { readonly [One in Kind]: WorkOn<One> } = {
  deleteMemory: ruled(deleteOne),
  deleteLegacyMemory: ruled(deleteOne),
  deleteLegacyMemories: ruled(deleteSeveral),
  deleteByQuery: ruled(deleteWhatIsFound),
  deleteContainer: ruled(deleteWhole),
  getMemory: ruled(getOne),
  updateMemory: ruled(forwardUpdate),
  searchMemories: ruled(searchThem),
  addMemories: ruled(forwardToContainer),
  getContainer: ruled(forwardToContainer),
  updateContainer: ruled(forwardToContainer),
  createSession: ruled(forwardToContainer),
  // The guard decides on these, rules and all.
  createContainer: passThrough,
  searchContainers: passThrough,
  semanticSearch: passThrough,
  hybridSearch: passThrough,
  previewRetention: passThrough,
  executeRetention,
  unknownMemoryRoute: passThrough,
  passThrough,
  receiptKeys: publishKeys,
  legacyOptions: answerUnknownPath,
  wrongMethod: answerUnknownPath,
  noHandler: answerUnknownPath,
  unknownLegacyPath: answerUnknownPath,
}

export function workOf(route: Route): Work<Route> {
  // The table's type says that each kind has the work for it; TypeScript cannot follow that through a union.
  return WORKS[route.kind]
}

/** The scopes of which a request needs one before anything else of it is looked at; `undefined` where the guard asks for them. */
export function scopesFor(route: Route): readonly [Scope, ...Scope[]] | undefined {
  if (isMemoryRequest(route)) return scopesOf(route.kind)
  const isLegacyDelete = route.kind === 'deleteLegacyMemory' || route.kind === 'deleteLegacyMemories'
  return isLegacyDelete ? scopesOf('deleteMemory') : undefined
}

/** @throws GatewayError insufficientScope */
export function requireScopeFor(route: Route, principal: Principal): void {
  const scopes = scopesFor(route)
  if (scopes !== undefined) requireScope(principal, ...scopes)
}
