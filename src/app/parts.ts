import type { Principal } from '../core/principal.ts'
import type { Tracing } from '../core/tracing.ts'
import type { AdmitParts } from '../handlers/admit.ts'
import type { HandlerParts } from '../handlers/exchange.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'

/** What the stages of a request stand on. */
export interface AppParts extends HandlerParts, AdmitParts {
  /** `X-OpenSearch-Version` where no cluster is chosen yet. */
  readonly versionHeader: () => string | undefined
  /** Browser origins that may use the legacy API. */
  readonly corsOrigins: readonly string[]
  /** Requests under way at once; any more are refused before anything is done for them. */
  readonly maxInFlight: number
  readonly log: Log
  /** Where nobody collects spans, `undefined`. */
  readonly tracing: Tracing | undefined
  /** How the access line names the caller. */
  readonly subjectInLog: (principal: Principal) => string | undefined
  readonly metrics: Pick<Metrics, 'request' | 'delete' | 'failure' | 'tokenRefused' | 'guardDecision'>
}
