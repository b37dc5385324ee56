import type { AuditAction } from '../core/audit/event.ts'
import { isNamedInBody, isStreamedBulk, removalIn, seemsProtected } from '../core/guard/removal.ts'
import type { Route } from '../core/route.ts'
import { callerChain } from '../forward/caller-chain.ts'
import { containerOf } from './addressed.ts'
import type { AuditedRequest, AuditSubject } from './audit-trail.ts'
import { requestLineOf, worded } from './audited-removal.ts'
import type { HandlerParts } from './exchange.ts'

export type SubjectParts = Pick<HandlerParts, 'legacy' | 'boundary' | 'guard'>

/** Whose request it is, and where it came from. */
export function requestOf(exchange: AuditedRequest, { boundary }: SubjectParts) {
  const { request, requestId, principal, cluster } = exchange
  const peer = request.socket.remoteAddress ?? ''
  const { addresses } = callerChain(request.headersDistinct['x-forwarded-for'] ?? [], peer, boundary.isTrustedProxy)
  return {
    requestId,
    issuer: principal?.issuer,
    subject: principal?.subject,
    clientIp: addresses[0] === '' ? undefined : addresses[0],
    cluster: cluster?.name,
  }
}

const MAX_TEXT = 512

/** What a request asks to delete, as it was sent; `undefined` for one that is no delete. A target that nobody can read may be one. */
export function subjectOf({ route, method, principal }: AuditedRequest, parts: SubjectParts): AuditSubject | undefined {
  if (route === undefined) return method === 'DELETE' ? { action: 'delete-memory' } : undefined
  const action = actionOf(route)
  if (action === undefined) return undefined
  const sent = (name: 'containerId' | 'typeText' | 'memoryId'): string | undefined => {
    const text = (route as Readonly<Record<string, unknown>>)[name]
    return typeof text === 'string' && text !== '' ? text.slice(0, MAX_TEXT) : undefined
  }
  const containerId = principal === undefined ? sent('containerId') : containerOf(parts, route, principal)
  return { action, containerId: containerId?.slice(0, MAX_TEXT), type: sent('typeText'), memoryId: sent('memoryId') }
}

/** What a request that was not passed through asked the cluster to remove of what is protected; of a bulk, that it named such an index. */
export function refusedRemovalOf(exchange: AuditedRequest, { guard }: SubjectParts): AuditSubject | undefined {
  const { route, method, target, cluster, guarded } = exchange
  if (route?.kind === 'passThrough' && target !== undefined && isStreamedBulk({ method, target })) {
    return { action: 'delete-documents', ...requestLineOf(exchange), indices: worded({ kind: 'all', byAbsence: true }) }
  }
  const removal = route?.kind === 'passThrough' && target !== undefined ? removalIn({ method, target }) : undefined
  if (removal === undefined) return undefined
  const isProtected =
    removal.inBody === 'lines'
      ? guarded?.refusedBy === 'protectedIndex'
      : // Which index it would have been, stands in a body that nobody read.
        isNamedInBody(removal) ||
        seemsProtected(removal.named, cluster?.indexTables.use(0).table, guard.policy.protection)
  return isProtected
    ? { action: removal.action, ...requestLineOf(exchange), indices: worded(removal.named) }
    : undefined
}

function actionOf(route: Route): AuditAction | undefined {
  switch (route.kind) {
    case 'deleteMemory':
    case 'deleteLegacyMemory':
      return 'delete-memory'
    case 'deleteLegacyMemories':
      return 'delete-memories'
    case 'deleteByQuery':
      return 'delete-by-query'
    case 'deleteContainer':
      return 'delete-container'
    case 'executeRetention':
      return 'execute-retention'
    default:
      return undefined
  }
}
