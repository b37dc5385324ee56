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
}

/**
 * The caller's query, bound to the container and, unless the caller holds the override, to the memories that are the caller's own.
 * As filters beside it, so that no spelling of the caller's query gets past them. A list that holds only the right name is one value in an index
 * and cannot be told from it: whoever acts on what is found compares the stored document as well.
 * @returns JSON
 * @throws GatewayError unsuitableMapping where a name is too long for the index to hold
 */
export function memoryQuery(query: CheckedQuery, whose: Whose): string {
  const { index, containerId, principal, policy, override, fields } = whose
  const container = isOnly(index, fields.container, containerId)
  const filters = holds(principal, override)
    ? [container]
    : [container, ownedBy(index, principal.subject, fields.owners, policy)]
  return `{"bool":{"filter":[${filters.join(',')},${query}]}}`
}

/** The rule of `owns` as a filter: a field counts only where the ones before it are missing. */
function ownedBy(index: string, subject: string, owners: readonly QueryField[], { ownership }: AccessPolicy): string {
  const ways = owners.map((field, position) => {
    const missing = owners.slice(0, position).flatMap(({ presentIn }) => presentIn)
    return `{"bool":{"filter":[${isOnly(index, field, subject)}],"must_not":[${missing.map(exists).join(',')}]}}`
  })
  if (ownership.unowned === 'allow') {
    const fields = owners.flatMap(({ presentIn }) => presentIn)
    ways.push(`{"bool":{"must_not":[${fields.map(exists).join(',')}]}}`)
  }
  return ways.length === 0 ? '{"match_none":{}}' : `{"bool":{"should":[${ways.join(',')}],"minimum_should_match":1}}`
}

/** The value is there, and no other one beside it. */
function isOnly(index: string, field: QueryField, value: string): string {
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
