import { checkConfig } from '../../../src/check-config.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { recordsInMemory } from '../../../src/core/erasure/records.ts'
import type { ErasureRecords } from '../../../src/core/erasure/records.ts'
import { openErasures } from '../../../src/open-erasures.ts'
import type { OpenErasures } from '../../../src/open-erasures.ts'
import type { FakeCluster } from '../../support/erasure-store.ts'

export interface Opened {
  readonly erasures: OpenErasures
  readonly records: ErasureRecords
  /** Messages, and the records of the audit. */
  readonly logged: string[]
  readonly audited: Readonly<Record<string, unknown>>[]
}

/** Erasures on a cluster that is none, kept in memory as if they were in an index. */
export function openOn(
  { store }: Pick<FakeCluster, 'store'>,
  { lease = '1h', records = recordsInMemory() }: { readonly lease?: string; readonly records?: ErasureRecords } = {},
): Opened {
  const config = parseConfig(
    JSON.stringify({
      auth: { issuers: [{ issuer: 'https://idp.test', audience: 'gateway', jwks: { file: 'jwks.json' } }] },
      clusters: { main: { nodes: ['http://127.0.0.1:1'], service: { kind: 'none' } } },
      memory: { ownership: { fields: ['owner_id'] } },
      ops: { token: 'erasure-unit-token' },
      erasures: { cluster: 'main', interval: '10ms', lease },
    }),
    '/nowhere/gateway.yaml',
    { env: {}, check: checkConfig },
  )
  const cluster = { erasureStoreFor: () => store, erasureRecords: () => records }
  const parts = { config, clusters: new Map([['main', cluster]]), receipts: undefined }
  const logged: string[] = []
  const audited: Readonly<Record<string, unknown>>[] = []
  const erasures = openErasures({
    now: () => parts,
    use: (work) => work(parts),
    audit: {
      write: (fields) => Promise.resolve(void audited.push(fields)),
      append: (fields) => void audited.push(fields),
    },
    log: { info: (message) => void logged.push(message), warn: (message) => void logged.push(message) },
    metrics: { erased: () => undefined },
  })
  return { erasures, records, logged, audited }
}
