import type { IncomingMessage, ServerResponse } from 'node:http'

import type { IndexTables } from '../cluster/index-table.ts'
import type { AccessPolicy } from '../core/access.ts'
import type { QueryStore } from '../core/delete-by-query.ts'
import type { ContainerStore } from '../core/delete-container.ts'
import type { DeleteOutcome, MemoryStore } from '../core/delete-memory.ts'
import type { DeleteQuota } from '../core/delete-quota.ts'
import type { Refusal, RouteClass } from '../core/guard/decision.ts'
import type { MemoryType } from '../core/memory.ts'
import type { KeptAnswers } from '../core/idempotency.ts'
import type { Principal } from '../core/principal.ts'
import type { Route } from '../core/route.ts'
import type { SearchStore } from '../core/search-memories.ts'
import type { Stopwatch } from '../core/stopwatch.ts'
import type { Target } from '../core/target.ts'
import type { UpgradedConnections } from '../core/upgraded.ts'
import type { IsTrustedProxy } from '../forward/caller-chain.ts'
import type { AskedUpgrade, Forward, ForwardUpgrade } from '../forward/engine.ts'
import type { Audit } from './audit-trail.ts'
import type { Guard } from './guard-settings.ts'
import type { Receipts } from './receipts.ts'
import type { Result } from '../wire/answer.ts'

/** One request on its way through the stages: what is known of it so far. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  readonly uri: string
  readonly requestId: string
  readonly startedAt: number
  /** Runs while it waits for its cluster. */
  readonly waited: Stopwatch
  /** Where it asks for its connection to be upgraded, and the gateway has taken that up. */
  readonly upgrade?: AskedUpgrade | undefined
  target?: Target
  route?: Route
  principal?: Principal
  cluster?: ClusterParts
  /** The answer is that of an earlier call with the same `Idempotency-Key`. */
  isReplayed?: boolean
  /** It has records of its own in the audit. */
  isAudited?: boolean
  /** For the access line. */
  outcome?: DeleteOutcome
  /** What became of memories that were to be deleted, for the metrics. */
  deletes?: readonly CountedDelete[]
  /** What the guard made of it: the class of the API, whether there was anything to say against it, and what it was refused for. */
  guarded?: { readonly class: RouteClass; readonly isClean: boolean; readonly refusedBy?: Refusal['cause'] }
}

interface CountedDelete {
  readonly outcome: string
  /** A memory type, or `unknown`. */
  readonly type: string
  readonly memories: number
}

/** An exchange whose caller is known, and whose cluster is chosen. */
export interface Admitted extends Exchange {
  readonly target: Target
  readonly principal: Principal
  readonly cluster: ClusterParts
}

/** What handlers use of one cluster. */
export interface ClusterParts {
  readonly name: string
  /** The cluster's memories for one request, as the service identity. */
  readonly storeFor: (signal: AbortSignal, waited?: Stopwatch) => MemoryStore
  /** The same, for what a query names. */
  readonly queryStoreFor: (signal: AbortSignal, waited?: Stopwatch) => QueryStore & SearchStore
  readonly containerStoreFor: (signal: AbortSignal, waited?: Stopwatch) => ContainerStore
  /** Sends a request on as the pass-through identity. */
  readonly forward: Forward
  /** The same for one that is to upgrade its connection; absent where that identity is the gateway's own. */
  readonly forwardUpgrade: ForwardUpgrade | undefined
  /** Which indices, aliases and data streams the cluster has. */
  readonly indexTables: IndexTables
  /** Whether callers may say `securitytenant`. */
  readonly allowTenantHeader: boolean
  /**
   * The headers of the pass-through identity, in place of the caller's `authorization`; `undefined` where that goes on.
   * @throws GatewayError unsendableIdentity
   */
  readonly identityOf: (principal: Principal) => Readonly<Record<string, string>> | undefined
  /** `X-OpenSearch-Version` as the cluster last sent it. */
  readonly versionHeader: () => string | undefined
}

/** What handlers use of the configuration. */
export interface HandlerParts {
  readonly policy: AccessPolicy
  readonly legacy: {
    readonly container: string | undefined
    readonly types: readonly MemoryType[]
    readonly missing: 200 | 404
    readonly bulk: { readonly maxIds: number; readonly maxBytes: number }
  }
  readonly keptAnswers: KeptAnswers
  readonly quota: DeleteQuota
  /** Absent where nobody asked for one, and for whoever only asks. */
  readonly audit?: Audit | undefined
  /** Absent where they are off. */
  readonly receipts?: Receipts | undefined
  /** The public keys of receipts, as JSON. */
  readonly receiptKeys?: string | undefined
  /** What may go through to the cluster. */
  readonly guard: Guard
  /** Where upgraded connections are told of; absent for whoever only asks. */
  readonly upgraded?: UpgradedConnections | undefined
  /** For a memory request as a whole, in milliseconds. */
  readonly deadlineMs: number
  readonly boundary: {
    readonly isTrustedProxy: IsTrustedProxy
    /** Of a request that is passed through. */
    readonly maxBodyBytes: number
  }
  readonly byQuery: {
    /** For a delete by query, in milliseconds: it may have many memories to go through. */
    readonly deadlineMs: number
    readonly maxBytes: number
  }
}

/** What a handler comes to: a result to be worded, or an answer that is already on its way. */
export type Handled = Result | 'forwarded'

/**
 * Aborts when the request's deadline has come, or its caller has gone, unless the work carries on without it. One controller and one timer: `AbortSignal.any` and
 * `AbortSignal.timeout`, and an error made at every end, took a tenth of the CPU of a delete (profile on Node 24).
 */
export function signalOf(
  { request, response, startedAt }: Exchange,
  deadlineMs: number,
  carriesOn = false,
): AbortSignal {
  const controller = new AbortController()
  // The name tells a cluster that is slow from a caller that hung up: only the first opens the circuit.
  const expire = (): void => controller.abort(new DOMException('The deadline has passed', 'TimeoutError'))
  // The time in which a body arrives is its caller's, and has a limit of its own.
  const leftMs = hasBody(request) ? deadlineMs : startedAt + deadlineMs - performance.now()
  if (leftMs <= 0) expire()
  const timer = setTimeout(expire, Math.max(leftMs, 1)).unref()
  const end = (): void => {
    if (carriesOn && !response.writableFinished) return
    clearTimeout(timer)
    if (!response.writableFinished) controller.abort(new Error('The caller has gone'))
  }
  if (response.destroyed) end()
  else response.once('close', end)
  return controller.signal
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
