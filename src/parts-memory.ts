import { isDeepStrictEqual } from 'node:util'

import type { AuthMemory } from './auth/auth-memory.ts'
import type { ConfigFile } from './config/schema.ts'
import { keepParts } from './core/kept-parts.ts'
import type { KeptParts } from './core/kept-parts.ts'
import { openGatewayCluster } from './open-cluster.ts'
import type { GatewayCluster, SharedSettings } from './open-cluster.ts'
import { openIssuerMemory } from './open-issuers.ts'
import { causesOf } from './ops/log.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'
import { openSharedState } from './shared-state/open-shared-state.ts'
import type { SharedState } from './shared-state/open-shared-state.ts'

/** What goes on from one configuration to the next wherever its own settings stay as they are. */
export interface PartsMemory {
  readonly auth: AuthMemory
  readonly clusters: KeptParts<ClusterSettings, StartedCluster>
  readonly sharedStates: KeptParts<StateSettings, Promise<SharedState>>
}

interface ClusterSettings {
  readonly name: string
  readonly cluster: ConfigFile['clusters'][string]
  readonly shared: SharedSettings
}

interface StartedCluster {
  readonly opened: Promise<GatewayCluster>
  /** The first look at the cluster, once. */
  start(): Promise<void>
}

interface StateSettings {
  readonly sharedState: ConfigFile['sharedState']
  readonly keeping: Pick<ConfigFile['idempotency'], 'maxAnswers' | 'maxBytes'>
}

export function openPartsMemory(log: Log, metrics: Metrics): PartsMemory {
  return {
    auth: openIssuerMemory(log, metrics),
    clusters: keepParts<ClusterSettings, StartedCluster>({
      isEqual: isDeepStrictEqual,
      open({ name, cluster, shared }) {
        const opened = openGatewayCluster(name, cluster, shared, log, metrics)
        let started: Promise<void> | undefined
        return { opened, start: () => (started ??= opened.then((one) => one.start())) }
      },
      close: ({ opened }) => closeOpened(opened),
    }),
    sharedStates: keepParts<StateSettings, Promise<SharedState>>({
      isEqual: isDeepStrictEqual,
      open: (settings) => openState(settings, log),
      close: closeOpened,
    }),
  }
}

/** What could not be opened is told to whoever wanted it. */
async function closeOpened(opened: Promise<{ close(): Promise<void> }>): Promise<void> {
  const one = await opened.catch(() => undefined)
  await one?.close()
}

/** What requests leave behind for those after them. */
function openState({ sharedState, keeping }: StateSettings, log: Log): Promise<SharedState> {
  const { url, username, password, tls, keyPrefix, timeout: timeoutMs } = sharedState
  return openSharedState({
    redis: url === undefined ? undefined : { url, username, password, tls, keyPrefix, timeoutMs },
    keeping,
    onEvent(event, cause) {
      if (event === 'sharedStateUp') log.info(event)
      else log.warn(event, { causes: causesOf(cause) })
    },
  })
}
