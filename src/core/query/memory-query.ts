import { holds } from '../access.ts'
import type { AccessPolicy } from '../access.ts'
import type { Override, Principal } from '../principal.ts'
import type { CheckedQuery } from './check-query.ts'
import { unsuitable } from './query-fields.ts'
import type { MemoryFields, QueryField } from './query-fields.ts'

interface Whose {
  readonly index: string
  readonly containerId: string
  readonly principal: Principal
  readonly policy: AccessPolicy
  readonly override: Override
  readonly fields: MemoryFields
  /**
   * Whether what is found is decided once more on its stored document. The filter then leaves out what would miss some: in a flat object, `exists`
   * takes the key `user_id=x` for `user_id`.
   */
  readonly decidedAgain: boolean
}

/**
 * The caller's query, bound to the container and, unless the caller holds the override, to the memories that are the caller's own.
 * As filters beside it, so that no spelling of the caller's query gets past them. A list that holds only the right name is one value in an index
 * and cannot be told from it: whoever acts on what is found compares the stored document as well.
 * @returns JSON
 * @throws GatewayError unsuitableMapping where a name is too long for the index to hold
 */
export function memoryQuery(query: CheckedQuery, whose: Whose): string {
  const { index, containerId, principal, override, fields } = whose
  const container = isOnly(index, fields.container, containerId)
  const filters = holds(principal, override) ? [container] : [container, ownedBy(whose)]
  return `{"bool":{"filter":[${filters.join(',')},${query}]}}`
}

type Owner = Pick<Whose, 'index' | 'principal' | 'policy' | 'fields' | 'decidedAgain'>

/**
 * The rule of `owns` as a filter: a field counts only where the ones before it are missing.
 * @throws GatewayError unsuitableMapping
 */
export function ownedBy({ index, principal, policy: { ownership }, fields: { owners }, decidedAgain }: Owner): string {
  const missing = (fields: readonly QueryField[]): string =>
    fields
      .filter(({ kind }) => !decidedAgain || kind !== 'flatObject')
      .flatMap(({ presentIn }) => presentIn.map(exists))
      .join(',')
  const ways = owners.map((field, position) => {
    const isTheirs = isOnly(index, field, principal.subject)
    return `{"bool":{"filter":[${isTheirs}],"must_not":[${missing(owners.slice(0, position))}]}}`
  })
  if (ownership.unowned === 'allow') ways.push(`{"bool":{"must_not":[${missing(owners)}]}}`)
  return ways.length === 0 ? '{"match_none":{}}' : `{"bool":{"should":[${ways.join(',')}],"minimum_should_match":1}}`
}

/**
 * The value is there, and no other one beside it.
 * @throws GatewayError unsuitableMapping
 */
export function isOnly(index: string, field: QueryField, value: string): string {
  const text = JSON.stringify(value)
  switch (field.kind) {
    case 'unmapped':
      return '{"match_none":{}}'
    case 'flatObject':
      return `{"term":{${JSON.stringify(field.field)}:{"value":${text}}}}`
    case 'keyword': {
      if (value.length > field.ignoreAbove)
        throw unsuitable(index, field.field, 'its ignore_above is too small for this name')
      const name = JSON.stringify(field.field)
      const others = `{"range":{${name}:{"gt":${text}}}},{"range":{${name}:{"lt":${text}}}}`
      return `{"bool":{"filter":[{"term":{${name}:{"value":${text}}}}],"must_not":[${others}]}}`
    }
  }
}

function exists(field: string): string {
  return `{"exists":{"field":${JSON.stringify(field)}}}`
}
