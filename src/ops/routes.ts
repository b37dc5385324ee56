import { descriptionRoutes } from './api-description.ts'
import { configRoutes } from './config.ts'
import type { Configuration } from './config.ts'
import { explainRoute } from './explain.ts'
import type { Explain } from './explain.ts'
import type { ReadChecks } from './health.ts'
import type { Metrics } from './metrics.ts'
import { probeRoutes } from './probes.ts'
import type { OpsRoute } from './route.ts'

interface OpsSources {
  readonly checks: ReadChecks
  readonly metrics: Pick<Metrics, 'expose'>
  readonly configuration: Configuration
  readonly explain: Explain
  readonly parseYaml: (text: string) => unknown
}

/** All that the ops port answers; the API description has the same rows. */
export function opsRoutes({ checks, metrics, configuration, explain, parseYaml }: OpsSources): readonly OpsRoute[] {
  return [
    ...probeRoutes(checks, metrics),
    ...configRoutes(configuration),
    explainRoute(explain),
    ...descriptionRoutes(parseYaml),
  ]
}
