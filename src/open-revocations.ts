import { openRevocationFile } from './auth/revocation-file.ts'
import { watchRevocations } from './auth/revocations.ts'
import type { RevocationHealth, Revocations } from './auth/revocations.ts'
import { openRevocationIndex } from './cluster/revocation-index.ts'
import type { ServiceAccess } from './cluster/revocation-index.ts'
import type { ConfigFile } from './config/schema.ts'
import type { RevocationStore } from './core/revocation-store.ts'
import type { GatewayCluster } from './open-cluster.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'

type Clusters = ReadonlyMap<string, Pick<GatewayCluster, 'service'>>

/**
 * The deny list of a configuration, which is not read yet; `undefined` where there is none.
 * @param clusters of the configuration in force
 * @param onChange called when the list is another one
 */
export function openRevocations(
  { file, index, interval, accept }: ConfigFile['revocation'],
  clusters: () => Clusters,
  onChange: () => void,
  log: Log,
): Revocations | undefined {
  const store = file !== undefined ? openRevocationFile(file) : index && openIndex(index, clusters, log)
  if (store === undefined) return undefined
  return watchRevocations({
    store,
    intervalMs: interval,
    tidies: accept,
    onChange,
    onEvent(event) {
      if (event.kind === 'readable') log.info('the deny list of tokens can be read again')
      else if (event.kind === 'notTidied')
        log.warn('what is over cannot be taken out of the deny list of tokens', { why: event.why })
      else log.warn('the deny list of tokens cannot be read; the last one stays in force', { why: event.why })
    },
  })
}

type IndexSettings = NonNullable<ConfigFile['revocation']['index']>

function openIndex({ cluster, name }: IndexSettings, clusters: () => Clusters, log: Log): RevocationStore {
  return openRevocationIndex({
    index: name,
    access: () => accessOf(clusters(), cluster),
    onCreated: () => log.info('the index of the deny list of tokens was made', { index: name }),
  })
}

function accessOf(clusters: Clusters, wanted: string | undefined): ServiceAccess {
  const [first] = clusters.values()
  const found = wanted === undefined ? first : clusters.get(wanted)
  // A reload may have taken it out of the configuration.
  if (found === undefined) throw new Error('stands in a cluster that is not configured any more')
  return found.service
}

/** Without a list every token is refused: such a gateway is not ready. */
export function checkOf({ loaded, ...health }: RevocationHealth): HealthCheck {
  return { ok: loaded, ...health }
}
