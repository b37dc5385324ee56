import { setTimeout as wait } from 'node:timers/promises'

import { createApp } from './app.ts'
import { parseYaml } from './config/parse-yaml.ts'
import type { ConfigFile } from './config/schema.ts'
import type { UpgradeProtocol } from './core/asked-upgrade.ts'
import type { ChainStatement } from './core/audit/chain.ts'
import type { ConfigSource } from './config/source.ts'
import { watchSource } from './config/watch-source.ts'
import type { Explanation } from './core/explain.ts'
import { openInForce } from './core/in-force.ts'
import type { InForce } from './core/in-force.ts'
import { explain } from './handlers/explain.ts'
import type { ExplainQuestion } from './handlers/explain.ts'
import { announceEnd, drain, listen, urlOf } from './listen/listen.ts'
import type { ListenEvent } from './listen/listen.ts'
import { openAudit } from './open-audit.ts'
import { openErasures } from './open-erasures.ts'
import type { OpenAudit } from './open-audit.ts'
import { holdState, openDeciding, stagesOf } from './open-deciding.ts'
import { openReceipts } from './open-receipts.ts'
import type { OpenReceipts } from './open-receipts.ts'
import { checkOf, openRevocations } from './open-revocations.ts'
import { openParts } from './open-parts.ts'
import type { Parts } from './open-parts.ts'
import type { OpsAccess } from './ops/access.ts'
import { openActivity } from './ops/activity.ts'
import type { ConfigReport, ReloadCause } from './ops/config.ts'
import { createOpsHandler } from './ops/handler.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'
import { createMetrics } from './ops/metrics.ts'
import { opsRoutes } from './ops/routes.ts'
import { flushTraces } from './ops/trace.ts'
import { openPartsMemory } from './parts-memory.ts'
import { openReloader } from './reload.ts'
import { readVersion } from './version.ts'
import { judgeAgain, watchUpgraded } from './watch-upgraded.ts'

/** A gateway that listens. */
export interface Gateway {
  /** The first port, as in `http://127.0.0.1:8080`. */
  readonly url: string
  readonly opsUrl: string
  /** Opens anew what was renamed, as the audit's file. */
  reopen(): void
  /** Reads the configuration anew; see `openReloader`. Never rejects. */
  reload(cause: ReloadCause): Promise<ConfigReport>
  /** Goes unready, and after `limits.drainDelay` stops accepting, lets requests under way finish within `limits.drain`, and frees everything. */
  close(): Promise<void>
}

/**
 * Wires the parts of a checked configuration and listens on both ports.
 * @param source where it was read, for reloads
 */
export async function startGateway(config: ConfigFile, log: Log, source?: ConfigSource): Promise<Gateway> {
  const metrics = createMetrics()
  const memory = openPartsMemory(log, metrics)
  // The chain of the audit begins before there are parts, and goes on under whatever key is the newest.
  const keys: ChainKeys = { first: await openReceipts(config.receipts, log, metrics) }
  const audit = await openAudit(config.audit, { log, metrics, sign: signerOf(keys) })
  const upgraded = watchUpgraded({
    isRevoked: ({ principal }) => memory.auth.isRevoked(principal),
    isInForce: (parts) => inForce.now().app === parts,
    judge: (connection) => judgeAgain(inForce, connection),
    onEnd: ({ requestId }, why) => log.info('an upgraded connection was ended', { requestId, why }),
  })
  const open = (next: ConfigFile): Promise<Parts> =>
    openParts(next, memory, { audit: audit?.writer, upgraded }, log, metrics)
  const inForce = openInForce(await open(config).catch((error: unknown) => closeAnd(audit, error)))
  const reloader = openReloader({ source, inForce, open, onApplied: () => upgraded.review(), log, metrics })
  const onRevoked = (): void => upgraded.endRevoked()
  const revocations = openRevocations(config.revocation, () => inForce.now().clusters, onRevoked, log)
  if (revocations !== undefined) memory.auth.isRevoked = (principal) => revocations.isRevoked(principal)
  await revocations?.start()
  let isDraining = false
  keys.latest = () => inForce.now().receipts

  const checks = (): Readonly<Record<string, HealthCheck>> => ({
    ...inForce.now().checks(),
    ...(audit === undefined ? {} : { audit: audit.check() }),
    ...(revocations === undefined ? {} : { revocation: checkOf(revocations.health()) }),
    drain: { ok: !isDraining },
  })
  const erasures = openErasures({
    now: () => inForce.now(),
    use(work) {
      const { value, end } = inForce.take()
      return work(value).finally(end)
    },
    audit: audit?.writer,
    log,
    metrics,
  })
  const readings: Parts['readings'] = {
    keySets: () => inForce.now().readings.keySets(),
    tokens: () => inForce.now().readings.tokens(),
    clusters: () => inForce.now().readings.clusters(),
  }
  metrics.watch({
    ...readings,
    audit: () => audit?.writer.health(),
    revocation: () => revocations?.health(),
    erasures: () => erasures.counts(),
    checks,
  })
  const free = async (): Promise<void> => {
    activity.close()
    upgraded.close()
    revocations?.close()
    await erasures.close()
    await inForce.close()
    await audit?.close()
  }
  const app = createApp(() => {
    const { value, end } = inForce.take()
    return { value: value.app, end }
  })
  const access = (): OpsAccess => ({ host: config.ops.host, token: inForce.now().config.ops.token })
  const activity = await openActivity(metrics)
  const opsParts = {
    routes: opsRoutes({
      checks,
      metrics,
      configuration: reloader,
      explain: (question) => explainNow(inForce, question),
      erasures,
      revoke: config.revocation.accept ? revocations?.add : undefined,
      log,
      parseYaml,
      access,
      status: { version: readVersion(), readings, hasAudit: audit !== undefined, erasuresOff: erasures.off },
      activity,
      decisions: audit?.decisions,
    }),
    access,
    onFailure: (error: unknown) => log.failure('ops', error),
  }

  void audit?.settle(() => inForce.now().clusters)
  try {
    const first = await listen(app, config.listen, config.limits, {
      onEvent: (event) => logListenEvent(log, event),
      upgrades: { serve: app, mayUpgrade: (protocol) => allowsUpgrade(inForce.now(), protocol) },
    })
    const ops = await listen(createOpsHandler(opsParts), config.ops, config.limits).catch(async (error: unknown) => {
      await drain(first, 0)
      throw error
    })
    const { watch, interval } = config.reload
    const watcher =
      watch && source !== undefined ? watchSource(source, interval, () => void reloader.reload('file')) : undefined
    return {
      url: urlOf(first),
      opsUrl: urlOf(ops),
      reopen: () => audit?.writer.reopen(),
      reload: (cause) => reloader.reload(cause),
      async close() {
        watcher?.close()
        isDraining = true
        announceEnd(first)
        await Promise.all([reloader.close(), wait(config.limits.drainDelay)])
        await drain(first, config.limits.drain)
        await drain(ops, 1_000)
        await free()
        await flushTraces()
      },
    }
  } catch (error) {
    await free()
    throw error
  }
}

/** A chain that began without a key goes on without one. */
function signerOf(keys: ChainKeys): ((statement: ChainStatement) => Promise<string>) | undefined {
  const { first } = keys
  return first && ((statement) => (keys.latest?.() ?? first).signChain(statement))
}

interface ChainKeys {
  readonly first: OpenReceipts | undefined
  /** Of the configuration in force. */
  latest?: () => OpenReceipts | undefined
}

async function closeAnd(audit: OpenAudit | undefined, error: unknown): Promise<never> {
  await audit?.close()
  throw error
}

function allowsUpgrade({ config }: Parts, protocol: UpgradeProtocol): boolean {
  return config.guard.rules.some(({ upgrade }) => upgrade?.includes(protocol) === true)
}

async function explainNow(inForce: InForce<Parts>, question: ExplainQuestion): Promise<Explanation> {
  const { value, end } = inForce.take()
  return explain(value.explain, question).finally(end)
}

/** Explains one request by the parts of a checked configuration, without listening; see {@link explain}. */
export async function explainOnce(config: ConfigFile, log: Log, question: ExplainQuestion): Promise<Explanation> {
  const metrics = createMetrics()
  const memory = openPartsMemory(log, metrics)
  const deciding = await openDeciding(config, memory, log, metrics)
  const state = holdState(config, memory)
  try {
    await deciding.authenticator.start()
    return await explain(stagesOf(config, deciding, await state.part), question)
  } finally {
    await Promise.all([state.release(), deciding.close()])
  }
}

function logListenEvent(log: Log, event: ListenEvent): void {
  if (event.kind === 'certificateRenewed') log.info('the certificate of listen.tls was renewed')
  else
    log.warn('the renewed certificate of listen.tls cannot be used; the one before stays', { why: String(event.error) })
}
