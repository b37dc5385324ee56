import type { BodyLimits } from '../core/guard/bodies/finding.ts'
import type { Refusal } from '../core/guard/decision.ts'
import type { Decision, GuardPolicy } from '../core/guard/decide.ts'

export type GuardMode = 'enforce' | 'observe'

/** The guard as the operator set it. */
export interface Guard {
  readonly policy: GuardPolicy
  /** Whether what the rules refuse is refused, or only told. */
  readonly mode: GuardMode
  /** The same for what would reach memories or system data. */
  readonly protectedMode: GuardMode
  /** What of a body is read, and how much of it. */
  readonly bodies: BodyLimits
  /** Whether this Node can hand over requests for an upgrade one by one. */
  readonly canUpgrade: boolean
  /** Whether what removes memories has to have a record of each. */
  readonly isAudited: boolean
  /** For counting, and for the log. */
  readonly onRefusal: (event: GuardEvent) => void
}

export interface GuardEvent {
  readonly requestId: string
  /** `observed`: it went on all the same. */
  readonly outcome: 'refused' | 'observed'
  readonly method: string
  readonly api: string | undefined
  readonly class: Decision['class']
  readonly rule: number | undefined
  readonly cause: Refusal['cause']
  readonly reason: string
}
