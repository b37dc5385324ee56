import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ConfigInput } from '../../src/config/schema.ts'
import { verifyAudit } from '../../src/core/audit/verify.ts'
import type { AuditReport, VerifyOptions } from '../../src/core/audit/verify.ts'
import { sha256 } from '../../src/open-audit.ts'
import { readAuditFile } from '../../src/ops/audit/read-file.ts'

export type AuditRecord = Readonly<Record<string, unknown>>

/** A folder for an audit, and what is in its file. */
export interface TestAudit {
  readonly path: string
  /** Of a gateway that deletes nothing without a record on the disk. */
  readonly required: NonNullable<ConfigInput['audit']>
  records(): readonly AuditRecord[]
  /** Of deletes, not of the chain itself. */
  deletes(): readonly AuditRecord[]
  /** The id of each request that was refused, from records of their own and from those that list many, as often as they stand there. */
  refused(): readonly unknown[]
  text(): string
  verify(options?: Partial<VerifyOptions>): Promise<AuditReport>
  remove(): void
}

export function openTestAudit(folder = mkdtempSync(join(tmpdir(), 'memory-gateway-audit-'))): TestAudit {
  const path = join(folder, 'audit.log')
  const text = (): string => readFileSync(path, 'utf8')
  const records = (): readonly AuditRecord[] =>
    text()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditRecord)
  return {
    path,
    required: { sink: 'file', file: path, required: true, fsync: 'always', writer: 'gateway-1' },
    text,
    records,
    deletes: () => records().filter((record) => 'http.request.id' in record),
    refused: () =>
      records().flatMap((record) => {
        if (record['memory.phase'] === 'refusal') return [record['http.request.id']]
        const listed = (record['memory.refusals'] ?? []) as readonly AuditRecord[]
        return listed.map((entry) => entry['request_id'])
      }),
    verify: (options = {}) =>
      verifyAudit([readAuditFile(path)], { hash: sha256, isRunning: false, isPartial: false, ...options }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Phase, action, `event.outcome` and `memory.outcome` of each. */
export function briefly(records: readonly AuditRecord[]): readonly string[] {
  const fields = ['memory.phase', 'event.action', 'event.outcome', 'memory.outcome']
  return records.map((record) =>
    fields
      .map((field) => record[field])
      .filter(Boolean)
      .join(' '),
  )
}
