import type { Target } from '../target.ts'
import { findRoute } from './find-route.ts'
import type { IndexTable } from './index-table.ts'
import { indicesNamed, readParameters } from './named-indices.ts'
import type { Named } from './named-indices.ts'
import { isProtected } from './protected-indices.ts'
import type { Protection } from './protected-indices.ts'
import { judgeReach } from './reach.ts'

/** Updates, and what is indexed anew, may delete by a script. */
export type RemovalAction =
  'delete-document' | 'delete-documents' | 'delete-index' | 'update-document' | 'update-documents' | 'reindex-documents'

/**
 * What only the body of such a request tells. `lines`: whether anything is removed, and where. `query`: which documents. `script`: whether it has a script, without
 * which nothing is removed. `destination`: that, and where. `actions`: whether an index is, and which.
 */
export type ToldByBody = 'lines' | 'query' | 'script' | 'destination' | 'actions'

/** What a request that goes through to the cluster asks it to remove, as far as method, path and query tell. */
export interface Removal {
  readonly action: RemovalAction
  readonly inBody: ToldByBody | undefined
  readonly named: Named
  /** Of one document. */
  readonly id: string | undefined
  readonly routing: string | undefined
}

const REMOVALS: Readonly<Record<string, Pick<Removal, 'action' | 'inBody'>>> = {
  delete: { action: 'delete-document', inBody: undefined },
  delete_by_query: { action: 'delete-documents', inBody: 'query' },
  bulk: { action: 'delete-documents', inBody: 'lines' },
  'indices.delete': { action: 'delete-index', inBody: undefined },
  'indices.update_aliases': { action: 'delete-index', inBody: 'actions' },
  update: { action: 'update-document', inBody: 'script' },
  update_by_query: { action: 'update-documents', inBody: 'query' },
  reindex: { action: 'reindex-documents', inBody: 'destination' },
}
/** Those of one document. */
const BY_ID: ReadonlySet<string> = new Set(['delete', 'update'])

const NAMED_IN_BODY: ReadonlySet<ToldByBody | undefined> = new Set(['destination', 'actions'])

/** Whether path and query say nothing of where it removes. */
export function isNamedInBody({ inBody }: Pick<Removal, 'inBody'>): boolean {
  return NAMED_IN_BODY.has(inBody)
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
  const removal = found && REMOVALS[found.row.api]
  if (found === undefined || removal === undefined) return undefined
  const query = readParameters(target.query)
  return {
    ...removal,
    named: query === undefined ? { kind: 'all', byAbsence: false } : indicesNamed(found, query),
    id: BY_ID.has(found.row.api) ? found.parameters.get('id') : undefined,
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

const STREAMED = /^(?:POST|PUT) (?:[^/]+\/)?_bulk\/stream$/

/** A bulk that the server runs as it comes, by every path that the server has for it (RestBulkStreamingAction of OpenSearch 3.4.0). */
export function isStreamedBulk({ method, target }: { readonly method: string; readonly target: Target }): boolean {
  return STREAMED.test(`${method} ${target.rawSegments.join('/')}`)
}
