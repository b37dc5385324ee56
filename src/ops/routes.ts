import { descriptionRoutes } from './api-description.ts'
import { configRoutes } from './config.ts'
import type { Configuration } from './config.ts'
import { erasureRoutes } from './erasures.ts'
import type { Erasures } from './erasures.ts'
import { explainRoute } from './explain.ts'
import type { Explain } from './explain.ts'
import type { ReadChecks } from './health.ts'
import type { Metrics } from './metrics.ts'
import type { Log } from './log.ts'
import { probeRoutes } from './probes.ts'
import { revocationRoute } from './revocations.ts'
import type { Revoke } from './revocations.ts'
import type { OpsRoute } from './route.ts'

interface OpsSources {
  readonly checks: ReadChecks
  readonly metrics: Pick<Metrics, 'expose'>
  readonly configuration: Configuration
  readonly explain: Explain
  readonly revoke: Revoke | undefined
  readonly log: Pick<Log, 'failure'>
  readonly erasures: Erasures
  readonly parseYaml: (text: string) => unknown
}

/** All that the ops port answers; the API description has the same rows. */
export function opsRoutes(sources: OpsSources): readonly OpsRoute[] {
  const { checks, metrics, configuration, explain, erasures, revoke, log, parseYaml } = sources
  return [
    ...probeRoutes(checks, metrics),
    ...configRoutes(configuration),
    explainRoute(explain),
    revocationRoute(revoke, log),
    ...erasureRoutes(erasures),
    ...descriptionRoutes(parseYaml),
  ]
}
