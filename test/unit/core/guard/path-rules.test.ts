import { describe, expect, test } from '@jest/globals'

import { applyPathRules } from '../../../../src/core/guard/path-rules.ts'
import type { GuardRule } from '../../../../src/core/guard/rules.ts'
import { parseTarget } from '../../../../src/core/target.ts'
import { caller, DEFAULT_RULES } from './guarded-world.ts'

const MEMORY = '/_plugins/_ml/memory_containers/c/memories/working/m'

function rule(line: string, rules: readonly GuardRule[], ...scopes: readonly string[]): string {
  const [method = '', target = ''] = line.split(' ')
  const { rule: position, refusal } = applyPathRules(rules, method, parseTarget(target).segments, caller(...scopes))
  return `${String(position)} ${refusal?.cause ?? 'passes'}`
}

describe('rules for the gateway’s own routes', () => {
  test('those that come with the gateway are none', () => {
    expect(rule(`DELETE ${MEMORY}`, DEFAULT_RULES)).toBe('undefined passes')
  })

  test.each<[says: string, rule: GuardRule, line: string, expected: string]>([
    ['a prefix closes all', { paths: ['/_plugins/_ml/**'], scopes: [] }, `DELETE ${MEMORY}`, '0 closedByRule'],
    ['to administrators too', { paths: ['/_plugins/**'], scopes: [] }, 'GET /_plugins/_ml/memory_containers/c', '0 closedByRule'],
    ['a scope is asked for beside those of the route', { paths: ['/_plugins/_ml/**'], scopes: ['ml:use'] }, `DELETE ${MEMORY}`, '0 missingScope'],
    ['one that is there opens', { paths: ['/_plugins/_ml/**'], scopes: ['memory:delete'] }, `DELETE ${MEMORY}`, '0 passes'],
    ['the legacy API has paths too', { paths: ['/api/memories/**'], scopes: [] }, 'DELETE /api/memories/m', '0 closedByRule'],
    ['by method', { methods: ['DELETE'], paths: ['/_plugins/**'], scopes: [] }, `GET ${MEMORY}`, 'undefined passes'],
    ['by a type, however a caller writes it', { paths: ['/_plugins/_ml/memory_containers/*/memories/working/**'], scopes: [] }, `DELETE ${MEMORY.replace('working', 'W%4FRKING')}`, '0 closedByRule'],
    ['an id keeps its case', { paths: ['/_plugins/_ml/memory_containers/*/memories/*/m'], scopes: [] }, `DELETE ${MEMORY.slice(0, -1)}M`, 'undefined passes'],
    ['every path names none of ours', { paths: ['/**'], scopes: [] }, `DELETE ${MEMORY}`, 'undefined passes'],
    ['nor does a pattern for the first word', { paths: ['/*/_ml/**'], scopes: [] }, `DELETE ${MEMORY}`, 'undefined passes'],
    ['nor does a rule of indices', { paths: ['/_plugins/**'], indices: ['*'], scopes: [] }, `DELETE ${MEMORY}`, 'undefined passes'],
    ['nor one of classes alone', { classes: ['admin'], scopes: [] }, `DELETE ${MEMORY}`, 'undefined passes'],
  ])('%s', (_says, one, line, expected) => {
    expect(rule(line, [one], 'memory:delete')).toBe(expected)
  }) // prettier-ignore

  test('the first that fits decides', () => {
    const rules = [
      { classes: ['read'], scopes: [] },
      { paths: ['/_plugins/_ml/memory_containers/c/**'], scopes: ['memory:delete'] },
      { paths: ['/_plugins/_ml/**'], scopes: [] },
    ] satisfies GuardRule[]
    expect(rule(`DELETE ${MEMORY}`, rules, 'memory:delete')).toBe('1 passes')
    expect(rule(`DELETE ${MEMORY}`, rules, 'memory:read')).toBe('1 missingScope')
    expect(rule(`DELETE ${MEMORY.replace('/c/', '/d/')}`, rules, 'memory:delete')).toBe('2 closedByRule')
  })
})
