import type { BodyCheck } from '../decision.ts'
import type { BodyScanner, Finding, ScanLimits } from './finding.ts'
import { scanBulk } from './scan-bulk.ts'
import type { OnBulkAction } from './scan-bulk.ts'
import { scanIds, scanMget, scanQuery } from './scan-held.ts'
import { scanMsearch } from './scan-msearch.ts'

/** A scanner for one body. @param onAction hears of each line of metadata of a bulk */
export function scannerFor(
  { kind, api }: Pick<BodyCheck, 'kind' | 'api'>,
  limits: ScanLimits,
  onAction?: OnBulkAction,
): BodyScanner {
  if (api.includes('template')) return scanTemplates()
  // Its documents say more of what they want than a _mget's, and less strictly.
  if (api === 'mtermvectors') return scanQuery(api, limits)
  switch (kind) {
    case 'bulk':
      return scanBulk(limits, onAction)
    case 'ids':
      return scanIds(limits)
    case 'mget':
      return scanMget(limits)
    case 'msearch':
      return scanMsearch(limits)
    case 'query':
      return scanQuery(api, limits)
    case 'msearchTemplate':
      return scanTemplates()
  }
}

/** Templates say what they name only when they are filled in. */
function scanTemplates(): BodyScanner {
  const found: readonly Finding[] = [{ kind: 'hidden', line: undefined, what: 'templates, which can name any index' }]
  return { push: () => found, end: () => [] }
}
