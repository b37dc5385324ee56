import { hash as hashOf, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

import type { ConfigFile } from './config/schema.ts'
import type { ChainStatement } from './core/audit/chain.ts'
import { boundAnonymousRefusals } from './ops/audit/anonymous-refusals.ts'
import type { RecordWriter } from './ops/audit/anonymous-refusals.ts'
import { keepDecisions } from './ops/audit/decisions.ts'
import type { Decisions } from './ops/audit/decisions.ts'
import { readLastRecord } from './ops/audit/earlier-records.ts'
import { openFileSink } from './ops/audit/file-sink.ts'
import { openStdoutSink } from './ops/audit/sink.ts'
import { openAuditWriter } from './ops/audit/writer.ts'
import type { AuditWriter, AuditWriterEvent } from './ops/audit/writer.ts'
import type { HealthCheck } from './ops/health.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'
import { settleOpenDeletes } from './settle-open-deletes.ts'
import type { Clusters } from './settle-open-deletes.ts'

/** The audit of a gateway that runs. */
export interface OpenAudit {
  readonly writer: AuditWriter & RecordWriter
  /** The last ones that are written. */
  readonly decisions: Decisions
  readonly check: () => HealthCheck
  /** Looks at what earlier starts have left without an outcome, as soon as the clusters can be asked; never rejects. */
  settle(clusters: () => Clusters): Promise<void>
  close(): Promise<void>
}

interface Surroundings {
  readonly log: Log
  readonly metrics: Pick<Metrics, 'auditRecords' | 'auditFailure'>
  /** Signs the chain with the key of the receipts. */
  readonly sign: ((statement: ChainStatement) => Promise<string>) | undefined
}

type Settings = ConfigFile['audit']

/** SHA-256, base64url. */
export function sha256(text: string): string {
  return hashOf('sha256', text, 'base64url')
}

/**
 * Opens the audit of a configuration; `undefined` where it is off.
 * @throws Error where its file cannot be opened
 */
export async function openAudit(settings: Settings, surroundings: Surroundings): Promise<OpenAudit | undefined> {
  if (settings.sink === 'off') return undefined
  const file = settings.sink === 'file' ? settings.file : undefined
  const { log, metrics, sign } = surroundings
  const decisions = keepDecisions()
  const chain = { writer: settings.writer ?? hostname(), start: randomUUID() }
  const sink = file === undefined ? openStdoutSink() : await openFile(file, settings, log)
  const before = file === undefined ? undefined : await readLastRecord(file, chain.writer, sha256)
  const writer = openAuditWriter({
    sink,
    position: { ...chain, sequence: 0, previous: before?.hash ?? '' },
    hash: sha256,
    sign,
    isRequired: settings.required,
    checkpoint: { records: settings.checkpoint.records, afterMs: settings.checkpoint.after },
    timeoutMs: settings.timeout,
    maxWaiting: settings.maxWaiting,
    opening: { 'memory.follows_start': before?.start, 'memory.follows_sequence': before?.sequence },
    onEvent: (event) => tell(event, log, metrics, decisions),
  })
  const anonymous = boundAnonymousRefusals({
    append: (fields) => writer.append(fields),
    perSecond: settings.anonymousRefusals,
    onSuppressed: () => metrics.auditRecords('suppressed', 1),
  })
  const ending = new AbortController()
  return {
    writer: { ...writer, appendAnonymous: (fields) => anonymous.append(fields) },
    decisions,
    check() {
      const { failing, waiting } = writer.health()
      // Without it deletes are refused: another gateway may do better.
      return { ok: !(failing && settings.required), failing, waiting }
    },
    async settle(clusters) {
      if (file === undefined) return
      try {
        await settleOpenDeletes(file, chain, clusters, writer, log, ending.signal)
      } catch (error) {
        if (!ending.signal.aborted)
          log.warn('earlier deletes without an outcome could not be read', { why: String(error) })
      }
    },
    async close() {
      ending.abort()
      anonymous.flush()
      await writer.close()
    },
  }
}

async function openFile(file: string, { fsync, fsyncInterval }: Settings, log: Log) {
  const kind = fsync === 'interval' ? ({ kind: fsync, everyMs: fsyncInterval } as const) : ({ kind: fsync } as const)
  try {
    return await openFileSink(file, kind, (error) => log.warn('the audit could not be synced', { why: String(error) }))
  } catch (error) {
    throw new Error(`audit.file cannot be opened (${String(error)}); make its folder, writable for the gateway`, {
      cause: error,
    })
  }
}

function tell(event: AuditWriterEvent, log: Log, metrics: Surroundings['metrics'], decisions: Decisions): void {
  switch (event.kind) {
    case 'written':
      metrics.auditRecords(event.kind, event.records.length)
      for (const record of event.records) decisions.add(record)
      return
    case 'lost':
      metrics.auditRecords(event.kind, event.records)
      return
    case 'failed':
      metrics.auditFailure()
      log.warn('the audit cannot be written', { why: whyOf(event.error) })
      return
    case 'recovered':
      log.info('the audit can be written again')
  }
}

function whyOf(error: unknown): string {
  return String(error instanceof Error && error.cause !== undefined ? error.cause : error)
}
