import type { ByQueryOutcome, ByQueryReport, QueryFailure } from '../core/delete-by-query.ts'
import { decimal } from './body.ts'
import type { Body } from './body.ts'
import { indexMissing, statusException, wordOutcome } from './opensearch.ts'
import type { Words } from './opensearch.ts'

/** How the ml-commons plugin words what came of a delete by query (transcripts of 3.4.0). */
export function wordByQueryOutcome(outcome: ByQueryOutcome, tookMs: number): Words {
  switch (outcome.kind) {
    case 'ran':
      return { status: statusOf(outcome.report), body: reportBody(outcome.report, tookMs), isError: false }
    case 'typeDisabled':
      return statusException(400, `Invalid memory type or memory type is disabled: ${outcome.type}`)
    case 'indexMissing':
      return indexMissing(outcome.index, 'index_or_alias')
    default:
      return wordOutcome(outcome)
  }
}

/** The rule of the server's own `_delete_by_query`: the highest status of what failed, and 408 for what was not finished in time. */
function statusOf({ failures, timedOut }: ByQueryReport): number {
  return Math.max(timedOut ? 408 : 200, ...failures.map(({ status }) => status))
}

function reportBody(report: ByQueryReport, tookMs: number): Body {
  return {
    took: tookMs,
    timed_out: report.timedOut,
    total: report.total,
    updated: 0,
    created: 0,
    deleted: report.deleted,
    batches: report.batches,
    version_conflicts: report.versionConflicts,
    noops: 0,
    retries: { bulk: report.retries, search: 0 },
    throttled_millis: 0,
    requests_per_second: UNLIMITED,
    throttled_until_millis: 0,
    failures: report.failures.map(failureBody),
  }
}

const UNLIMITED = decimal('-1.0')

function failureBody({ index, shard, id, status, type, reason }: QueryFailure): Body {
  const cause = { type, reason }
  if (id === undefined) return { ...(shard === undefined ? {} : { shard }), index, status, reason: cause }
  return { index, id, cause, status }
}
