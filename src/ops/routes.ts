import type { OpsAccess } from './access.ts'
import { activityRoute } from './activity.ts'
import type { Activity } from './activity.ts'
import { descriptionRoutes } from './api-description.ts'
import { configRoutes } from './config.ts'
import type { Configuration } from './config.ts'
import { erasureRoutes } from './erasures.ts'
import type { Erasures } from './erasures.ts'
import { decisionsRoute } from './audit/decisions.ts'
import type { Decisions } from './audit/decisions.ts'
import { explainRoute } from './explain.ts'
import type { Explain } from './explain.ts'
import type { ReadChecks } from './health.ts'
import type { Metrics } from './metrics.ts'
import type { Log } from './log.ts'
import { pageRoutes } from './page.ts'
import { probeRoutes } from './probes.ts'
import { revocationRoute } from './revocations.ts'
import type { Revoke } from './revocations.ts'
import type { OpsRoute } from './route.ts'
import { statusRoute } from './status.ts'
import type { StatusSources } from './status.ts'

interface OpsSources {
  readonly checks: ReadChecks
  readonly metrics: Pick<Metrics, 'expose'>
  readonly configuration: Configuration
  readonly explain: Explain
  readonly revoke: Revoke | undefined
  readonly log: Pick<Log, 'failure'>
  readonly erasures: Erasures
  readonly parseYaml: (text: string) => unknown
  readonly access: () => OpsAccess
  readonly status: Omit<StatusSources, 'checks'>
  readonly activity: Pick<Activity, 'report'>
  /** Absent where there is no audit. */
  readonly decisions: Pick<Decisions, 'list'> | undefined
}

/** All that the ops port answers; the API description has the same rows. */
export function opsRoutes(sources: OpsSources): readonly OpsRoute[] {
  const { checks, metrics, configuration, explain, erasures, revoke, log, parseYaml } = sources
  const { access, status, activity, decisions } = sources
  return [
    ...pageRoutes(access),
    ...probeRoutes(checks, metrics),
    ...configRoutes(configuration),
    statusRoute({ ...status, checks }),
    activityRoute(activity),
    decisionsRoute(decisions),
    explainRoute(explain),
    revocationRoute(revoke, log),
    ...erasureRoutes(erasures),
    ...descriptionRoutes(parseYaml),
  ]
}
