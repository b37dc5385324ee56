import { createApp } from './app.ts'
import { checkIssuers } from './auth/issuer-rules.ts'
import type { IssuerOptions } from './auth/issuer.ts'
import { createAuthenticator } from './auth/verify.ts'
import type { Authenticator } from './auth/verify.ts'
import type { ConfigProblem } from './config/load.ts'
import type { ConfigFile } from './config/schema.ts'
import { openSharedState } from './shared-state/open-shared-state.ts'
import type { SharedState } from './shared-state/open-shared-state.ts'
import { trustedProxies } from './forward/trusted-proxies.ts'
import { drain, listen, urlOf } from './listen/listen.ts'
import type { ListenEvent } from './listen/listen.ts'
import { readTlsFiles } from './listen/tls-files.ts'
import { createOpsHandler } from './ops/handler.ts'
import { explainRoute } from './ops/explain.ts'
import type { HealthCheck } from './ops/health.ts'
import { probeRoutes } from './ops/probes.ts'
import { explain } from './handlers/explain.ts'
import type { ExplainParts, ExplainQuestion } from './handlers/explain.ts'
import type { HandlerParts } from './handlers/exchange.ts'
import type { Explanation } from './core/explain.ts'
import type { Guard } from './handlers/guard-settings.ts'
import { causesOf } from './ops/log.ts'
import type { Log } from './ops/log.ts'
import { createMetrics } from './ops/metrics.ts'
import type { Metrics } from './ops/metrics.ts'
import { openGatewayCluster } from './open-cluster.ts'
import { checkRoutes, claimsOfRoutes, joinClusters } from './open-clusters.ts'
import type { GatewayClusters } from './open-clusters.ts'

/** A gateway that listens. */
export interface Gateway {
  /** The first port, as in `http://127.0.0.1:8080`. */
  readonly url: string
  readonly opsUrl: string
  /** Stops accepting, lets requests under way finish within `limits.drain`, and frees everything. */
  close(): Promise<void>
}

/** Wires the parts of a checked configuration and listens on both ports. */
export async function startGateway(config: ConfigFile, log: Log): Promise<Gateway> {
  const metrics = createMetrics()
  const deciding = await openDeciding(config, log, metrics)
  const { policy, guard, clusters, authenticator } = deciding
  const sharedState = await openState(config, log)
  let isDraining = false

  const app = createApp({
    authenticate: (authorization) => authenticator.authenticate(authorization),
    route: (question) => clusters.route(question),
    versionHeader: clusters.first.versionHeader,
    policy,
    legacy: { ...config.legacy, container: config.legacy.container },
    corsOrigins: config.legacy.cors.origins,
    guard,
    deadlineMs: config.limits.deadline,
    boundary: {
      isTrustedProxy: trustedProxies(config.listen.trustedProxies),
      maxBodyBytes: config.limits.bodyBytes ?? Infinity,
    },
    byQuery: { deadlineMs: config.limits.queryDeadline, maxBytes: config.limits.queryBytes },
    keptAnswers: sharedState.keptAnswers,
    countDeletes: sharedState.countDeletes,
    maxInFlight: config.limits.inFlight,
    log,
    metrics,
  })
  const checks = (): Readonly<Record<string, HealthCheck>> => ({
    keys: { ok: authenticator.health().every(({ usable }) => usable), issuers: authenticator.health() },
    ...clusters.checks(),
    drain: { ok: !isDraining },
    // What needs it is refused by itself while it is away; deletes go on.
    sharedState: { ok: true, reachable: sharedState.isUp() },
  })
  metrics.watch({
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
    checks,
  })
  const explainParts = explainPartsOf(config, deciding)
  const opsParts = {
    routes: [
      ...probeRoutes(checks, metrics),
      explainRoute((question: ExplainQuestion) => explain(explainParts, question)),
    ],
    access: { host: config.ops.host, token: config.ops.token },
    onFailure: (error: unknown) => log.failure('ops', error),
  }
  const free = async (): Promise<void> => {
    await sharedState.close()
    authenticator.close()
    await clusters.close()
  }

  await Promise.all([authenticator.start(), clusters.start()])
  try {
    // express's own types promise void; its promise never rejects, see createApp.
    const first = await listen(app, config.listen, config.limits, (event) => logListenEvent(log, event))
    const ops = await listen(createOpsHandler(opsParts), config.ops, config.limits).catch(async (error: unknown) => {
      await drain(first, 0)
      throw error
    })
    return {
      url: urlOf(first),
      opsUrl: urlOf(ops),
      async close() {
        isDraining = true
        await drain(first, config.limits.drain)
        await drain(ops, 1_000)
        await free()
      },
    }
  } catch (error) {
    await free()
    throw error
  }
}

interface Deciding {
  readonly policy: HandlerParts['policy']
  readonly guard: Guard
  readonly clusters: GatewayClusters
  readonly authenticator: Authenticator
}

/** The parts that decide on requests: who calls, to which cluster, and what they may. */
async function openDeciding(config: ConfigFile, log: Log, metrics: Metrics): Promise<Deciding> {
  const policy = { ownership: config.memory.ownership, containersWithoutOwner: config.memory.containersWithoutOwner }
  const guard = openGuard(config, log, metrics)
  const shared = {
    containerIndex: config.memory.containerIndex,
    policy,
    deadlineMs: config.limits.deadline,
    indexTable: {
      protection: guard.policy.protection,
      freshForMs: config.guard.indexTable.freshFor,
      maxAgeMs: config.guard.indexTable.maxAge,
    },
  }
  const opened = Object.entries(config.clusters).map(
    async ([name, settings]) => [name, await openGatewayCluster(name, settings, shared, log, metrics)] as const,
  )
  const clusters = joinClusters(new Map(await Promise.all(opened)), config)
  const authenticator = openAuthenticator(config, log, metrics)
  return { policy, guard, clusters, authenticator }
}

function explainPartsOf(config: ConfigFile, { policy, guard, clusters, authenticator }: Deciding): ExplainParts {
  return {
    authenticate: (authorization) => authenticator.authenticate(authorization),
    route: (question) => clusters.route(question),
    choose: (question) => clusters.choose(question),
    nodesOf: (name) => clusters.all.get(name)?.nodes.states() ?? [],
    policy,
    legacy: { ...config.legacy, container: config.legacy.container },
    guard,
    deadlineMs: config.limits.deadline,
  }
}

/** Explains one request by the parts of a checked configuration, without listening; see {@link explain}. */
export async function explainOnce(config: ConfigFile, log: Log, question: ExplainQuestion): Promise<Explanation> {
  const deciding = await openDeciding(config, log, createMetrics())
  try {
    await deciding.authenticator.start()
    return await explain(explainPartsOf(config, deciding), question)
  } finally {
    deciding.authenticator.close()
    await deciding.clusters.close()
  }
}

/** The guard of a configuration. The index of the containers is protected whatever it is called. */
function openGuard({ guard, memory }: ConfigFile, log: Log, metrics: Metrics): Guard {
  const { mode, rules, protectedIndices } = guard
  if (mode === 'observe') {
    const open = protectedIndices.mode === 'observe' ? '; memory and system indices are open too' : ''
    log.warn(`guard.mode is observe: what the rules refuse goes on to the cluster${open}`)
  }
  return {
    policy: {
      rules,
      protection: { more: [memory.containerIndex, ...protectedIndices.more], except: protectedIndices.except },
    },
    mode,
    protectedMode: protectedIndices.mode,
    onRefusal: ({ outcome, ...event }) => {
      metrics.guardDecision(outcome, event.cause, event.class)
      if (outcome === 'observed') log.info('the guard would refuse this', event)
    },
  }
}

function openAuthenticator(config: ConfigFile, log: Log, metrics: Metrics): Authenticator {
  return createAuthenticator({
    issuers: config.auth.issuers.map((issuer) => issuerOptions(issuer, claimsOfRoutes(config))),
    rememberedTokens: config.auth.rememberedTokens,
    onEvent: ({ kind, ...fields }) => {
      if (kind === 'keysFetched') metrics.keySetFetched(fields.issuer, 'ok')
      if (kind === 'keysNotFetched') metrics.keySetFetched(fields.issuer, 'failed')
      if (kind === 'keysNotFetched' || kind === 'diskCopyFailed') log.warn(kind, fields)
      else log.info(kind, fields)
    },
  })
}

type Issuer = ConfigFile['auth']['issuers'][number]

/** The rules of a configuration that `auth/` knows, in the words and paths of the file. */
export function checkConfig(config: ConfigFile): readonly ConfigProblem[] {
  const { tls } = config.listen
  const issuers = config.auth.issuers.map((issuer) => issuerOptions(issuer, []))
  const problems = checkIssuers(issuers).map(({ path, message, remedy }) => ({
    path: `auth.${SETTING_PATHS.reduce((text, [from, to]) => text.replace(from, to), path)}`,
    message: `${message}; ${remedy}`,
  }))
  return [...problems, ...checkRoutes(config), ...(tls === undefined ? [] : checkTlsFiles(tls))]
}

function checkTlsFiles(tls: NonNullable<ConfigFile['listen']['tls']>): readonly ConfigProblem[] {
  try {
    readTlsFiles(tls)
    return []
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [{ path: 'listen.tls', message: `cannot be used (${why}); give a certificate and its key as PEM files` }]
  }
}

function logListenEvent(log: Log, event: ListenEvent): void {
  if (event.kind === 'certificateRenewed') log.info('the certificate of listen.tls was renewed')
  else
    log.warn('the renewed certificate of listen.tls cannot be used; the one before stays', { why: String(event.error) })
}

/** Where a setting of `auth/` has another name in the file. */
const SETTING_PATHS: readonly (readonly [from: RegExp, to: string])[] = [
  [/\.keys\.uri$/, '.jwks.uri'],
  [/\.keys\.secret$/, '.secret'],
  [/\.cache\./, '.keySet.'],
  [/Ms$/, ''],
]

/** A configured issuer as `auth/` takes it. */
function issuerOptions(issuer: Issuer, keptClaims: readonly string[]): IssuerOptions {
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
    keptClaims,
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

/** What requests leave behind for those after them. */
function openState({ sharedState, idempotency, limits }: ConfigFile, log: Log): Promise<SharedState> {
  const { url, username, password, tls, keyPrefix, timeout: timeoutMs } = sharedState
  const { keepFor: keepForMs, maxAnswers, maxBytes } = idempotency
  return openSharedState({
    redis: url === undefined ? undefined : { url, username, password, tls, keyPrefix, timeoutMs },
    keeping: { keepForMs, maxAnswers, maxBytes },
    runningForMs: 2 * Math.max(limits.deadline, limits.queryDeadline),
    quota: limits.deletes,
    onEvent(event, cause) {
      if (event === 'sharedStateUp') log.info(event)
      else log.warn(event, { causes: causesOf(cause) })
    },
  })
}
