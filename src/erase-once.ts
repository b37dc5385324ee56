import { hostname } from 'node:os'

import type { ConfigFile } from './config/schema.ts'
import { isUnderWay } from './core/erasure/record.ts'
import type { Erasure, ErasureRecord, ErasureRequest } from './core/erasure/record.ts'
import { openAudit } from './open-audit.ts'
import { openDeciding } from './open-deciding.ts'
import { openErasures } from './open-erasures.ts'
import type { OpenErasures } from './open-erasures.ts'
import { openReceipts } from './open-receipts.ts'
import type { ErasureAnswer } from './ops/erasures.ts'
import type { Log } from './ops/log.ts'
import { createMetrics } from './ops/metrics.ts'
import { openPartsMemory } from './parts-memory.ts'

export interface EraseOrder {
  readonly request: ErasureRequest
  /** Of the plan that is to be carried out; only planned without it. */
  readonly hash: string | undefined
  readonly onChange: (record: ErasureRecord) => void
  /** Stops what is under way. */
  readonly stop: AbortSignal
}

/** What came of it, and whether it was what was asked for. */
export interface Erased {
  readonly erasure: Erasure
  readonly kind: 'planned' | 'misfit' | 'ended'
}

/**
 * Plans or carries out one erasure without a gateway. Where the configuration keeps erasures in an index this one is there too, so that a gateway goes on with
 * it should this process die.
 * @throws Error that says what is wrong
 */
export async function eraseOnce(config: ConfigFile, log: Log, order: EraseOrder): Promise<Erased> {
  const metrics = createMetrics()
  const deciding = await openDeciding(config, openPartsMemory(log, metrics), log, metrics)
  const receipts = await openReceipts(config.receipts, log, metrics)
  // A name of its own: the gateway's chain in the same file has no end yet.
  const settings = { ...config.audit, writer: `${config.audit.writer ?? hostname()}-erase` }
  const sign = receipts && ((statement: Parameters<typeof receipts.signChain>[0]) => receipts.signChain(statement))
  const audit = order.hash === undefined ? undefined : await openAudit(settings, { log, metrics, sign })
  const parts = { config, clusters: deciding.clusters.all, receipts }
  const erasures = openErasures(
    {
      now: () => parts,
      use: (work) => work(parts),
      audit: audit?.writer,
      log,
      metrics,
      onChange: order.onChange,
    },
    config.erasures.cluster === undefined ? 'inMemory' : 'inIndex',
  )
  try {
    const planned = erasureIn(await erasures.plan(order.request))
    return order.hash === undefined
      ? { kind: 'planned', erasure: planned }
      : await carryOut(erasures, planned, order.hash, order.stop)
  } finally {
    await erasures.close()
    await audit?.close()
    await deciding.close()
  }
}

async function carryOut(
  erasures: OpenErasures,
  { id, hash: planned, ...erasure }: Erasure,
  hash: string,
  stop: AbortSignal,
): Promise<Erased> {
  if (planned !== hash) {
    return { kind: 'misfit', erasure: { id, hash: planned, ...erasure } }
  }
  const applied = await erasures.apply(id, hash)
  if (applied.kind === 'refused' && applied.erasure !== undefined) return { kind: 'misfit', erasure: applied.erasure }
  erasureIn(applied)
  const cancel = (): void => void erasures.cancel(id).catch(() => undefined)
  if (stop.aborted) cancel()
  stop.addEventListener('abort', cancel, { once: true })
  for (;;) {
    await erasures.ended(id)
    const now = erasureIn(await erasures.read(id))
    if (!isUnderWay(now)) return { kind: 'ended', erasure: now }
    // A gateway has it meanwhile.
    await new Promise((wake) => setTimeout(wake, 1_000))
  }
}

function erasureIn(answer: ErasureAnswer): Erasure {
  switch (answer.kind) {
    case 'erasure':
      return answer.erasure
    case 'notFound':
      throw new Error('The erasure is not there any more')
    case 'invalid':
    case 'refused':
      throw new Error(answer.why)
  }
}
