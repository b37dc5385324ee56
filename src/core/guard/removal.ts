import type { Target } from '../target.ts'
import { findRoute } from './find-route.ts'
import type { IndexTable } from './index-table.ts'
import { indicesNamed, readParameters } from './named-indices.ts'
import type { Named } from './named-indices.ts'
import { isProtected } from './protected-indices.ts'
import type { Protection } from './protected-indices.ts'
import { judgeReach } from './reach.ts'

export type RemovalAction = 'delete-document' | 'delete-documents' | 'delete-index'

/** What a request that goes through to the cluster asks it to remove, as far as method, path and query tell. */
export interface Removal {
  readonly action: RemovalAction
  /** Whether anything is removed, and where, its body says. */
  readonly isBulk: boolean
  readonly named: Named
  /** Of one document. */
  readonly id: string | undefined
  readonly routing: string | undefined
}

const ACTIONS: Readonly<Record<string, RemovalAction>> = {
  delete: 'delete-document',
  delete_by_query: 'delete-documents',
  bulk: 'delete-documents',
  'indices.delete': 'delete-index',
}

/** What a request would remove; `undefined` for one that is no delete. A script that deletes is not told from one that updates. */
export function removalIn({
  method,
  target,
}: {
  readonly method: string
  readonly target: Target
}): Removal | undefined {
  const found = findRoute(method, target)
  const action = found && ACTIONS[found.row.api]
  if (found === undefined || action === undefined) return undefined
  const query = readParameters(target.query)
  return {
    action,
    isBulk: found.row.api === 'bulk',
    named: query === undefined ? { kind: 'all', byAbsence: false } : indicesNamed(found, query),
    id: found.row.api === 'delete' ? found.parameters.get('id') : undefined,
    routing: query?.findLast(([name]) => name === 'routing')?.[1],
  }
}

/** The index of a removal that names a single protected one by its own name. */
export function indexOf(named: Named, protection: Protection): string | undefined {
  const [only, ...more] = named.kind === 'list' ? named.expressions : []
  return only !== undefined && more.length === 0 && /^[\w.-]+$/.test(only) && isProtected(only, protection)
    ? only
    : undefined
}

/** Whether a removal would reach what is protected, as far as a table at hand tells; without one by the names alone. */
export function seemsProtected(named: Named, table: IndexTable | undefined, protection: Protection): boolean {
  if (table !== undefined) return judgeReach(named, table, protection).outOfReach !== undefined
  return (
    named.kind === 'all' || (named.kind === 'list' && named.expressions.some((one) => isProtected(one, protection)))
  )
}
