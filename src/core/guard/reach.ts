import { fitsGlob } from './glob.ts'
import { mostReliant } from './index-table.ts'
import type { IndexTable, Reliance } from './index-table.ts'
import { isExclusion } from './named-indices.ts'
import type { Named } from './named-indices.ts'
import { isProtected } from './protected-indices.ts'
import type { Protection } from './protected-indices.ts'

/** Why the indices that a request names are out of its caller's reach. */
export interface OutOfReach {
  readonly cause: 'protectedIndex' | 'unclear'
  readonly reason: string
}

export interface Reach {
  readonly outOfReach: OutOfReach | undefined
  readonly reliesOn: Reliance
}

const ONLY_ADMIN = 'only opensearch:admin reaches it'

/** Each costs a comparison with every guarded name. */
const MAX_PATTERNS = 100

/** Judges what a request names by the table; without one, whatever needs it is out of reach. */
export function judgeReach(named: Named, table: IndexTable | undefined, protection: Protection): Reach {
  switch (named.kind) {
    case 'none':
      return { outOfReach: undefined, reliesOn: 'nothing' }
    case 'all':
      return reachOfPattern('*', table)
    case 'list': {
      const included = named.expressions.filter((expression) => !isExclusion(expression))
      if (included.filter((expression) => expression.includes('*')).length > MAX_PATTERNS) {
        return refused('unclear', `The request names more than ${String(MAX_PATTERNS)} patterns of indices`)
      }
      const reaches = included.map((expression) => judgeExpression(expression, table, protection))
      return (
        reaches.find(({ outOfReach, reliesOn }) => outOfReach !== undefined && reliesOn === 'nothing') ?? {
          outOfReach: reaches.find(({ outOfReach }) => outOfReach !== undefined)?.outOfReach,
          reliesOn: mostReliant(...reaches.map(({ reliesOn }) => reliesOn)),
        }
      )
    }
  }
}

function judgeExpression(expression: string, table: IndexTable | undefined, protection: Protection): Reach {
  // Date math can spell a whole name: <x-memory-{now/d{'working'}}>.
  if (/[<>]/.test(expression))
    return refused('unclear', `The date math ${quote(expression)} can name any index: ${ONLY_ADMIN}`)
  if (expression.includes(':')) {
    return refused('unclear', `${quote(expression)} is an index of another cluster: ${ONLY_ADMIN}`)
  }
  if (!isName(expression)) return refused('unclear', `${quote(expression)} cannot be the name of an index`)
  if (isProtected(expression, protection)) return refused('protectedIndex', holdsMemories(expression))
  if (expression.includes('*')) return reachOfPattern(expression, table)
  if (table === undefined) return { outOfReach: reachesProtected(expression), reliesOn: 'unknown' }
  if (table.indices.has(expression)) return { outOfReach: undefined, reliesOn: 'known' }
  if (table.targets.has(expression)) {
    const isGuarded = table.guarded.includes(expression)
    return { outOfReach: isGuarded ? reachesProtected(expression) : undefined, reliesOn: 'resolved' }
  }
  return { outOfReach: undefined, reliesOn: 'unknown' }
}

/**
 * Which indices a pattern may mean is the caller's to choose (expand_wildcards), so hidden and closed ones count too.
 * The table is not named to the caller: which memory indices there are is none of their business.
 */
function reachOfPattern(pattern: string, table: IndexTable | undefined): Reach {
  const reaches = table === undefined || table.guarded.some((name) => fitsGlob(pattern, name))
  return { outOfReach: reaches ? reachesProtected(pattern) : undefined, reliesOn: 'resolved' }
}

/** No index, alias or data stream has any of the characters that the server forbids in names (MetadataCreateIndexService); `;` cuts a path short for others. */
function isName(expression: string): boolean {
  return !/[\u0000-\u0020"\\|?#;/\u007f]/.test(expression) && !/^[_+]/.test(expression)
}

function refused(cause: OutOfReach['cause'], reason: string): Reach {
  return { outOfReach: { cause, reason }, reliesOn: 'nothing' }
}

function holdsMemories(name: string): string {
  return `index ${quote(name)} holds memories or system data: ${ONLY_ADMIN}`
}

function reachesProtected(expression: string): OutOfReach {
  const reason =
    expression === '*'
      ? 'The request reaches all indices, and with them memories or system data: name the indices that you mean'
      : `${quote(expression)} reaches an index that holds memories or system data: ${ONLY_ADMIN}`
  return { cause: 'protectedIndex', reason }
}

function quote(expression: string): string {
  return `[${expression.slice(0, 256)}]`
}
