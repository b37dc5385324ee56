import type { AppParts } from './app/parts.ts'
import type { ConfigFile } from './config/schema.ts'
import type { UpgradedConnections } from './core/upgraded.ts'
import { createAudit } from './handlers/audit.ts'
import type { ExplainParts } from './handlers/explain.ts'
import { holdState, openDeciding, stagesOf } from './open-deciding.ts'
import type { Deciding } from './open-deciding.ts'
import type { GatewayCluster } from './open-cluster.ts'
import { openReceipts } from './open-receipts.ts'
import type { OpenReceipts } from './open-receipts.ts'
import type { RecordWriter } from './ops/audit/anonymous-refusals.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'
import type { Readings } from './ops/readings.ts'
import { openTracing } from './ops/trace.ts'
import type { PartsMemory } from './parts-memory.ts'
import { subjectInLog } from './ops/subject-in-log.ts'
import type { SharedState } from './shared-state/open-shared-state.ts'

/** What one configuration comes to. A request has one of these from its beginning to its end. */
export interface Parts {
  readonly config: ConfigFile
  readonly app: AppParts
  readonly explain: ExplainParts
  readonly readings: Omit<Readings, 'checks' | 'audit' | 'revocation' | 'erasures'>
  readonly clusters: ReadonlyMap<string, GatewayCluster>
  /** Absent where there is no key. */
  readonly receipts: OpenReceipts | undefined
  checks(): Readonly<Record<string, HealthCheck>>
  close(): Promise<void>
}

/** What goes on whatever the configuration becomes. */
interface LastingParts {
  readonly audit: RecordWriter | undefined
  readonly upgraded: UpgradedConnections
}

/**
 * Opens and starts the parts of a checked configuration; resolves when they can serve, which a cluster that is away does not keep them from.
 * @throws Error where a key file cannot be used
 */
export async function openParts(
  config: ConfigFile,
  memory: PartsMemory,
  lasting: LastingParts,
  log: Log,
  metrics: Metrics,
): Promise<Parts> {
  const deciding = await openDeciding(config, memory, log, metrics)
  const state = holdState(config, memory)
  const close = async (): Promise<void> => {
    await Promise.all([state.release(), deciding.close()])
  }
  try {
    const [shared, receipts] = await Promise.all([
      state.part,
      openReceipts(config.receipts, log, metrics),
      deciding.start(),
    ])
    return assemble(config, deciding, shared, { ...lasting, receipts }, log, metrics, close)
  } catch (error) {
    await close()
    throw error
  }
}

function assemble(
  config: ConfigFile,
  deciding: Deciding,
  state: SharedState,
  { audit, upgraded, receipts }: LastingParts & { readonly receipts: OpenReceipts | undefined },
  log: Log,
  metrics: Metrics,
  close: () => Promise<void>,
): Parts {
  const { clusters, authenticator } = deciding
  const stages = stagesOf(config, deciding, state)
  const readings: Parts['readings'] = {
    keySets: () => authenticator.health(),
    tokens: () => authenticator.counts(),
    clusters: () =>
      [...clusters.all].map(([name, { health, waiting, upgraded, nodes, circuit }]) => ({
        cluster: name,
        health: health(),
        waiting: waiting(),
        upgraded: upgraded(),
        nodes: nodes.states(),
        counters: nodes.counters(),
        circuit: circuit(),
      })),
  }
  return {
    config,
    explain: stages,
    readings,
    clusters: clusters.all,
    receipts,
    app: {
      ...stages,
      audit: audit && createAudit(audit, stages),
      upgraded,
      receipts: receipts?.receipts,
      receiptKeys: receipts?.jwks,
      versionHeader: clusters.first.versionHeader,
      corsOrigins: config.legacy.cors.origins,
      maxInFlight: config.limits.inFlight,
      log,
      subjectInLog: subjectInLog(config.log),
      metrics,
      tracing: openTracing(),
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
