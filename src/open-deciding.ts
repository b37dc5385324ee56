import type { Authenticator } from './auth/verify.ts'
import type { ConfigFile } from './config/schema.ts'
import { trustedProxies } from './forward/trusted-proxies.ts'
import type { AdmitParts } from './handlers/admit.ts'
import type { HandlerParts } from './handlers/exchange.ts'
import type { ExplainParts } from './handlers/explain.ts'
import type { Guard } from './handlers/guard-settings.ts'
import { canUpgrade } from './listen/serve-upgrades.ts'
import type { SharedSettings } from './open-cluster.ts'
import { joinClusters } from './open-clusters.ts'
import type { GatewayClusters } from './open-clusters.ts'
import { openAuthenticator } from './open-issuers.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'
import type { PartsMemory } from './parts-memory.ts'
import type { SharedState } from './shared-state/open-shared-state.ts'

/** The parts that decide on requests: who calls, to which cluster, and what they may. Nothing is asked for yet. */
export interface Deciding {
  readonly policy: HandlerParts['policy']
  readonly guard: Guard
  readonly clusters: GatewayClusters
  readonly authenticator: Authenticator
  start(): Promise<void>
  close(): Promise<void>
}

export async function openDeciding(
  config: ConfigFile,
  memory: PartsMemory,
  log: Log,
  metrics: Metrics,
): Promise<Deciding> {
  const policy = { ownership: config.memory.ownership, containersWithoutOwner: config.memory.containersWithoutOwner }
  const guard = openGuard(config, log, metrics)
  const shared: SharedSettings = {
    containerIndex: config.memory.containerIndex,
    policy,
    deadlineMs: config.limits.deadline,
    indexTable: {
      protection: guard.policy.protection,
      freshForMs: config.guard.indexTable.freshFor,
      maxAgeMs: config.guard.indexTable.maxAge,
    },
  }
  const authenticator = openAuthenticator(config, memory.auth)
  const held = new Map(
    Object.entries(config.clusters).map(([name, cluster]) => [name, memory.clusters.hold({ name, cluster, shared })]),
  )
  const close = async (): Promise<void> => {
    authenticator.close()
    await Promise.all([...held.values()].map((one) => one.release()))
  }
  try {
    const opened = [...held].map(async ([name, { part }]) => [name, await part.opened] as const)
    const clusters = joinClusters(new Map(await Promise.all(opened)), config)
    const start = async (): Promise<void> => {
      await Promise.all([authenticator.start(), ...[...held.values()].map(({ part }) => part.start())])
    }
    return { policy, guard, clusters, authenticator, start, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** What requests go through, and questions about them. */
export function stagesOf(
  { legacy, limits, listen, idempotency }: ConfigFile,
  { policy, guard, clusters, authenticator }: Deciding,
  state: SharedState,
): HandlerParts & AdmitParts & ExplainParts {
  return {
    authenticate: (authorization) => authenticator.authenticate(authorization),
    route: (question) => clusters.route(question),
    nodesOf: (name) => clusters.all.get(name)?.nodes.states() ?? [],
    policy,
    legacy: { ...legacy, container: legacy.container },
    guard,
    deadlineMs: limits.deadline,
    boundary: {
      isTrustedProxy: trustedProxies(listen.trustedProxies),
      maxBodyBytes: limits.bodyBytes ?? Infinity,
    },
    byQuery: { deadlineMs: limits.queryDeadline, maxBytes: limits.queryBytes },
    keptAnswers: state.keptAnswers({
      keepForMs: idempotency.keepFor,
      runningForMs: 2 * Math.max(limits.deadline, limits.queryDeadline),
    }),
    quota: state.quota(limits.deletes),
  }
}

/** The shared state of a configuration. */
export function holdState({ sharedState, idempotency }: ConfigFile, memory: PartsMemory): HeldState {
  const { maxAnswers, maxBytes } = idempotency
  return memory.sharedStates.hold({ sharedState, keeping: { maxAnswers, maxBytes } })
}

type HeldState = ReturnType<PartsMemory['sharedStates']['hold']>

/** The guard of a configuration. The indices of the containers, of the erasures and of the deny list are protected whatever they are called. */
function openGuard({ guard, memory, revocation, erasures, audit }: ConfigFile, log: Log, metrics: Metrics): Guard {
  const { mode, rules, protectedIndices } = guard
  const own = [
    memory.containerIndex,
    erasures.index,
    ...(revocation.index === undefined ? [] : [revocation.index.name]),
  ]
  if (mode === 'observe') {
    const open = protectedIndices.mode === 'observe' ? '; memory and system indices are open too' : ''
    log.warn(`guard.mode is observe: what the rules refuse goes on to the cluster${open}`)
  }
  if (rules.some(({ upgrade }) => upgrade !== undefined) && !canUpgrade()) {
    log.warn(
      'guard.rules name upgrade, which this Node.js cannot hand over one by one: take 24.9 or later; until then no connection is upgraded',
    )
  }
  return {
    policy: {
      rules,
      protection: { more: [...own, ...protectedIndices.more], except: protectedIndices.except },
    },
    mode,
    protectedMode: protectedIndices.mode,
    bodies: guard.bodies,
    canUpgrade: canUpgrade(),
    isAudited: audit.sink !== 'off',
    onRefusal: ({ outcome, ...event }) => {
      metrics.guardDecision(outcome, event.cause, event.class)
      if (outcome === 'observed') log.info('the guard would refuse this', event)
    },
  }
}
