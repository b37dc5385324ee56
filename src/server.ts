import { createApp } from './app.ts'
import { checkIssuers } from './auth/issuer-rules.ts'
import type { IssuerOptions } from './auth/issuer.ts'
import { createAuthenticator } from './auth/verify.ts'
import type { Authenticator } from './auth/verify.ts'
import { openCluster } from './cluster/client.ts'
import type { ClusterClient } from './cluster/client.ts'
import { createMemoryStores } from './cluster/memory-store.ts'
import { createReadableIndices } from './cluster/readable-indices.ts'
import { watchCluster } from './cluster/watch.ts'
import type { ConfigProblem } from './config/load.ts'
import type { ConfigFile } from './config/schema.ts'
import { fieldsToRead } from './core/access.ts'
import type { Engine, ForwardOptions } from './forward/engine.ts'
import { forwardWithHttpProxyMiddleware } from './forward/with-http-proxy-middleware.ts'
import { forwardWithUndici } from './forward/with-undici.ts'
import { drain, listen, urlOf } from './listen.ts'
import { createHealthHandler } from './ops/health.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'

/** A gateway that listens. */
export interface Gateway {
  /** The first port, as in `http://127.0.0.1:8080`. */
  readonly url: string
  readonly opsUrl: string
  /** Stops accepting, lets requests under way finish within `limits.drain`, and frees everything. */
  close(): Promise<void>
}

const WATCH_INTERVAL_MS = 30_000

/** Wires the parts of a checked configuration and listens on both ports. */
export async function startGateway(config: ConfigFile, log: Log): Promise<Gateway> {
  const [name, cluster] = firstCluster(config)
  const client = openCluster({
    name,
    nodes: cluster.nodes,
    ca: cluster.tls.ca,
    service: cluster.service,
    connectTimeoutMs: cluster.connectTimeout,
    idleTimeoutMs: cluster.idleTimeout,
    maxConnections: cluster.maxConnections,
  })
  const readable = createReadableIndices({ client, onMasked: (index) => log.warn(MASKED, { index }) })
  const policy = { ownership: config.memory.ownership, containersWithoutOwner: config.memory.containersWithoutOwner }
  const { containerIndex } = config.memory
  const stores = createMemoryStores({
    client,
    readable,
    containerIndex,
    memoryFields: fieldsToRead(policy),
    onFailure: () => watch.nudge(),
  })
  const watch = watchCluster({ client, readable, containerIndex, intervalMs: WATCH_INTERVAL_MS })
  const authenticator = openAuthenticator(config, log)
  const engine = openEngine(cluster)
  let isDraining = false

  const app = createApp({
    authenticate: (authorization) => authenticator.authenticate(authorization),
    storeFor: (signal) => stores.forRequest(signal),
    forward: engine.forward,
    versionHeader: () => client.versionHeader(),
    policy,
    legacy: { ...config.legacy, container: config.legacy.container, origins: config.legacy.cors.origins },
    deadlineMs: config.limits.deadline,
    log,
  })
  const checks = (): Readonly<Record<string, HealthCheck>> => ({
    keys: { ok: authenticator.health().every(({ usable }) => usable), issuers: authenticator.health() },
    cluster: { ok: watch.health().reachable && watch.health().problem === undefined, ...watch.health() },
    maskedIndices: { ok: readable.masked().length === 0, indices: readable.masked() },
    drain: { ok: !isDraining },
  })

  await Promise.all([authenticator.start(), watch.start()])
  try {
    // express's own types promise void; its promise never rejects, see createApp.
    const first = await listen(app, config.listen, config.limits)
    const ops = await listen(createHealthHandler({ checks }), config.ops, config.limits).catch(
      async (error: unknown) => {
        await drain(first, 0)
        throw error
      },
    )
    return {
      url: urlOf(first),
      opsUrl: urlOf(ops),
      async close() {
        isDraining = true
        await drain(first, config.limits.drain)
        await drain(ops, 1_000)
        await freeAll(client, engine, authenticator, watch)
      },
    }
  } catch (error) {
    await freeAll(client, engine, authenticator, watch)
    throw error
  }
}

const MASKED =
  'the cluster hides the documents of an index from the service identity: give the cluster service: { kind: clientCertificate } ' +
  'with a certificate whose DN is in plugins.security.authcz.admin_dn'

type Cluster = ConfigFile['clusters'][string]

function firstCluster(config: ConfigFile): readonly [string, Cluster] {
  const first = Object.entries(config.clusters)[0]
  if (first === undefined) throw new Error('a checked configuration names a cluster')
  return first
}

async function freeAll(
  client: ClusterClient,
  engine: Engine,
  authenticator: Authenticator,
  watch: { close(): void },
): Promise<void> {
  watch.close()
  authenticator.close()
  await Promise.all([client.close(), engine.close()])
}

function openEngine(cluster: Cluster): Engine {
  const options: ForwardOptions = {
    nodes: cluster.nodes,
    ca: cluster.tls.ca,
    connectTimeoutMs: cluster.connectTimeout,
    idleTimeoutMs: cluster.idleTimeout,
    silenceTimeoutMs: cluster.silenceTimeout,
    maxConnections: cluster.maxConnections,
  }
  return cluster.passThrough.engine === 'undici' ? forwardWithUndici(options) : forwardWithHttpProxyMiddleware(options)
}

function openAuthenticator(config: ConfigFile, log: Log): Authenticator {
  return createAuthenticator({
    issuers: config.auth.issuers.map(issuerOptions),
    rememberedTokens: config.auth.rememberedTokens,
    onEvent: ({ kind, ...fields }) => {
      if (kind === 'keysNotFetched' || kind === 'diskCopyFailed') log.warn(kind, fields)
      else log.info(kind, fields)
    },
  })
}

type Issuer = ConfigFile['auth']['issuers'][number]

/** The rules of a configuration that `auth/` knows, in the words and paths of the file. */
export function checkConfig({ auth }: ConfigFile): readonly ConfigProblem[] {
  return checkIssuers(auth.issuers.map(issuerOptions)).map(({ path, message, remedy }) => ({
    path: `auth.${SETTING_PATHS.reduce((text, [from, to]) => text.replace(from, to), path)}`,
    message: `${message}; ${remedy}`,
  }))
}

/** Where a setting of `auth/` has another name in the file. */
const SETTING_PATHS: readonly (readonly [from: RegExp, to: string])[] = [
  [/\.keys\.uri$/, '.jwks.uri'],
  [/\.keys\.secret$/, '.secret'],
  [/\.cache\./, '.keySet.'],
  [/Ms$/, ''],
]

/** A configured issuer as `auth/` takes it. */
function issuerOptions(issuer: Issuer): IssuerOptions {
  const { keySet } = issuer
  return {
    issuer: issuer.issuer,
    audience: issuer.audience,
    algorithms: issuer.algorithms,
    keys: keysOf(issuer),
    clockToleranceMs: issuer.clockTolerance,
    requiredClaims: issuer.requiredClaims,
    types: issuer.types,
    claims: issuer.claims,
    namePrefix: issuer.namePrefix,
    cache: {
      maxAgeMs: keySet.maxAge,
      refreshBeforeMs: keySet.refreshBefore,
      cooldownMs: keySet.cooldown,
      staleForMs: keySet.staleFor,
      fetchTimeoutMs: keySet.fetchTimeout,
      maxBytes: keySet.maxBytes,
      maxKeys: keySet.maxKeys,
      ...(keySet.diskPath === undefined ? {} : { diskPath: keySet.diskPath }),
      ...(keySet.ca === undefined ? {} : { ca: keySet.ca }),
    },
  }
}

function keysOf({ jwks, discovery, secret }: Issuer): IssuerOptions['keys'] {
  if (secret !== undefined) return { kind: 'secret', secret: Buffer.from(secret, 'base64url') }
  if (jwks === undefined) return { kind: 'discovery', ...(typeof discovery === 'string' ? { uri: discovery } : {}) }
  return 'file' in jwks ? { kind: 'file', path: jwks.file } : { kind: 'jwks', uri: jwks.uri }
}
