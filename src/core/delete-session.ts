import { valuesAt } from './access.ts'
import type { AccessPolicy } from './access.ts'
import { deleteByQuery } from './delete-by-query.ts'
import type { ByQueryReport, QueryStore } from './delete-by-query.ts'
import { decideDelete, deleteMemory } from './delete-memory.ts'
import type { DeleteOutcome, DeleteRequest, MemoryStore, Open, UnconfirmedOrder } from './delete-memory.ts'
import { GatewayError } from './failure.ts'
import type { Principal } from './principal.ts'
import { checkedQuery } from './query/check-query.ts'
import type { CheckedQuery } from './query/check-query.ts'

export interface SessionOutcome {
  readonly outcome: DeleteOutcome
  /** Working memories that went with the session. */
  readonly cascaded: number
}

/** How often it looks again where working memories changed meanwhile. */
const MAX_ROUNDS = 5

/**
 * Deletes a session and the caller's working memories in it. The session goes last: until then whatever failed can be repeated.
 * @param open as in `deleteMemory`, for the session
 * @throws GatewayError where working memories are left, and with them the session
 */
export async function deleteSession(
  store: MemoryStore,
  queryStore: QueryStore,
  policy: AccessPolicy,
  principal: Principal,
  request: DeleteRequest,
  open: Open<UnconfirmedOrder>,
): Promise<SessionOutcome> {
  // Whoever may not delete the session deletes nothing of it.
  const decision = await decideDelete(store, policy, principal, request, { order: open.order })
  if (decision.kind === 'gone') {
    return { outcome: await deleteMemory(store, policy, principal, request, open), cascaded: 0 }
  }
  if (decision.kind !== 'granted') return { outcome: decision, cascaded: 0 }

  const { containerId, memoryId } = request
  const working = {
    containerId,
    type: 'working',
    query: inSession(memoryId),
    dryRun: false,
    refreshFirst: true,
    only: (source: unknown) => isInSession(source, memoryId),
  } as const
  let cascaded = 0
  for (let round = 1; ; round++) {
    const came = await deleteByQuery(queryStore, policy, principal, working)
    if (came.kind === 'indexMissing') break
    if (came.kind === 'typeDisabled') break
    if (came.kind !== 'ran') return { outcome: came, cascaded }
    cascaded += came.report.deleted
    if (isDone(came.report)) break
    if (came.report.versionConflicts === 0 || round === MAX_ROUNDS) throw incomplete(came.report)
  }
  return { outcome: await deleteMemory(store, policy, principal, request, open), cascaded }
}

const FIELD = 'namespace.session_id'

/** However the field is mapped, it finds all of the session, and perhaps more. */
function inSession(sessionId: string): CheckedQuery {
  const ways = [
    { term: { [FIELD]: { value: sessionId } } },
    { match: { [FIELD]: { query: sessionId, operator: 'and' } } },
  ]
  const value = { bool: { should: ways, minimum_should_match: 1 } }
  return checkedQuery({ value, raw: JSON.stringify(value) })
}

function isInSession(source: unknown, sessionId: string): boolean {
  const values = valuesAt(source, FIELD.split('.'))
  return values.length > 0 && values.every((value) => value === sessionId)
}

function isDone({ timedOut, versionConflicts, failures }: ByQueryReport): boolean {
  return !timedOut && versionConflicts === 0 && failures.length === 0
}

function incomplete({ failures }: ByQueryReport): GatewayError {
  return new GatewayError('upstreamUnavailable', {
    reason:
      'Not all working memories of the session could be deleted, so the session is still there; send the request again',
    cause: failures,
  })
}
