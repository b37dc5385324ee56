import type { AppParts } from './app.ts'
import type { ConfigFile } from './config/schema.ts'
import { trustedProxies } from './forward/trusted-proxies.ts'
import type { ExplainParts } from './handlers/explain.ts'
import { explainPartsOf, openDeciding } from './open-deciding.ts'
import type { Deciding } from './open-deciding.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'
import type { Readings } from './ops/readings.ts'
import type { PartsMemory } from './parts-memory.ts'
import type { SharedState } from './shared-state/open-shared-state.ts'

/** What one configuration comes to. A request has one of these from its beginning to its end. */
export interface Parts {
  readonly config: ConfigFile
  readonly app: AppParts
  readonly explain: ExplainParts
  readonly readings: Omit<Readings, 'checks'>
  checks(): Readonly<Record<string, HealthCheck>>
  close(): Promise<void>
}

/**
 * Opens and starts the parts of a checked configuration; resolves when they can serve, which a cluster that is away does not keep them from.
 * @throws Error where a key file cannot be used
 */
export async function openParts(config: ConfigFile, memory: PartsMemory, log: Log, metrics: Metrics): Promise<Parts> {
  const deciding = await openDeciding(config, memory, log, metrics)
  const { sharedState, idempotency } = config
  const { maxAnswers, maxBytes } = idempotency
  const state = memory.sharedStates.hold({ sharedState, keeping: { maxAnswers, maxBytes } })
  const close = async (): Promise<void> => {
    await Promise.all([state.release(), deciding.close()])
  }
  try {
    const [shared] = await Promise.all([state.part, deciding.start()])
    return assemble(config, deciding, shared, log, metrics, close)
  } catch (error) {
    await close()
    throw error
  }
}

function assemble(
  config: ConfigFile,
  deciding: Deciding,
  state: SharedState,
  log: Log,
  metrics: Metrics,
  close: () => Promise<void>,
): Parts {
  const { policy, guard, clusters, authenticator } = deciding
  const { limits, idempotency } = config
  const readings: Parts['readings'] = {
    keySets: () => authenticator.health(),
    tokens: () => authenticator.counts(),
    clusters: () =>
      [...clusters.all].map(([name, { waiting, nodes, circuit }]) => ({
        cluster: name,
        waiting: waiting(),
        nodes: nodes.states(),
        counters: nodes.counters(),
        circuit: circuit(),
      })),
  }
  return {
    config,
    explain: explainPartsOf(config, deciding),
    readings,
    app: {
      authenticate: (authorization) => authenticator.authenticate(authorization),
      route: (question) => clusters.route(question),
      versionHeader: clusters.first.versionHeader,
      policy,
      legacy: { ...config.legacy, container: config.legacy.container },
      corsOrigins: config.legacy.cors.origins,
      guard,
      deadlineMs: limits.deadline,
      boundary: {
        isTrustedProxy: trustedProxies(config.listen.trustedProxies),
        maxBodyBytes: limits.bodyBytes ?? Infinity,
      },
      byQuery: { deadlineMs: limits.queryDeadline, maxBytes: limits.queryBytes },
      keptAnswers: state.keptAnswers({
        keepForMs: idempotency.keepFor,
        runningForMs: 2 * Math.max(limits.deadline, limits.queryDeadline),
      }),
      countDeletes: state.countDeletes(limits.deletes),
      maxInFlight: limits.inFlight,
      log,
      metrics,
    },
    checks: () => ({
      keys: { ok: authenticator.health().every(({ usable }) => usable), issuers: authenticator.health() },
      ...clusters.checks(),
      // What needs it is refused by itself while it is away; deletes go on.
      sharedState: { ok: true, reachable: state.isUp() },
    }),
    close,
  }
}
