import type { UpgradeProtocol } from '../core/asked-upgrade.ts'
import type { Container } from '../core/backing-index.ts'
import type { Refusal } from '../core/decide.ts'
import type { ExplainedGuard, ExplainedKey, ExplainedQuota, ExplainedUpgrade, Stage } from '../core/explain.ts'
import type { MemoryType } from '../core/memory.ts'
import type { Override } from '../core/principal.ts'
import type { Route } from '../core/route.ts'
import type { RefusedWork, Result } from '../wire/answer.ts'
import type { Admitted, Exchange, Handled, HandlerParts } from './exchange.ts'

/** What is known of a request before its body and most of its headers: all that a decision may stand on, whether the request came or is only asked about. */
export type Subject = Pick<Admitted, 'method' | 'uri' | 'route' | 'target' | 'principal' | 'cluster'> &
  Partial<Pick<Exchange, 'waited'>>

/** A request that is only asked about. Its cluster's stores look, and refuse everything else. */
export interface Asked extends Subject {
  /** As it would be sent. */
  readonly idempotencyKey: string | undefined
  /** What it would ask its connection to be upgraded to, in the plain way. */
  readonly upgrade: UpgradeProtocol | undefined
  readonly notes: Notes
}

/** What is found out on the way, for whoever asks why. */
export interface Notes {
  /** The one that is being asked. */
  stage: Stage
  scopesNeeded?: readonly string[]
  bodyDecides?: string
  guard?: ExplainedGuard
  upgrade?: ExplainedUpgrade
  quota?: ExplainedQuota
  idempotencyKey?: ExplainedKey
  concerns?: Concern
  /** What a look found, `undefined` where there is no such container; absent before. */
  seen?: { readonly container: Container | undefined }
}

/** The container that a request is about. */
export interface Concern {
  readonly id: string
  /** Whose indices the request would touch. */
  readonly types: readonly MemoryType[]
  /** The scope that opens every container to this work. */
  readonly override: Override
}

/** What a request would come to; `allowed` where the gateway would do it, or pass it on. */
export type Foreseen =
  | Result
  /** `status`: absent where the cluster answers. */
  | { readonly kind: 'allowed'; readonly status: number | undefined; readonly why: string }

/**
 * One kind of work. Both of its functions decide by the same function of its file, so that what is foreseen is what is done. The scope has been asked before.
 */
export interface Work<Kind extends Route> {
  handle(parts: HandlerParts, exchange: Admitted, route: Kind): Handled | Promise<Handled>
  /** What `handle` would come to, with a body that is as it should be. Nothing is removed, forwarded or counted. */
  foresee(parts: HandlerParts, asked: Asked, route: Kind): Foreseen | Promise<Foreseen>
}

export const allowed = (status: number | undefined, why: string): Foreseen => ({ kind: 'allowed', status, why })

/** Looks take no longer than those of the request itself. */
export function signalFor({ deadlineMs }: Pick<HandlerParts, 'deadlineMs'>): AbortSignal {
  return AbortSignal.timeout(deadlineMs)
}

/** A refusal, with the stage that it belongs to noted. */
export function refused(
  { notes }: Asked,
  work: RefusedWork,
  containerId: string,
  refusal: Refusal,
): Extract<Result, { kind: 'refused' }> {
  noteRefusal(notes, refusal)
  return { kind: 'refused', work, containerId, refusal }
}

export function noteRefusal(
  notes: Notes,
  refusal: { readonly kind: string; readonly by?: 'container' | 'owner' },
): void {
  notes.stage = stageOf(refusal)
}

function stageOf({ kind, by = 'container' }: { readonly kind: string; readonly by?: 'container' | 'owner' }): Stage {
  if (kind === 'denied') return by
  return kind === 'memoryNotFound' ? 'memory' : 'container'
}
