import { owns, valuesAt } from '../access.ts'
import type { AccessPolicy } from '../access.ts'
import type { Principal } from '../principal.ts'
import { isOnly, ownedBy } from '../query/memory-query.ts'
import type { MemoryFields } from '../query/query-fields.ts'

/** Whose memories are erased. */
export interface Person {
  /** As memories name their owner: with the issuer's prefix. */
  readonly name: string
  /** Fields of a memory's namespace that name this person, whoever owns the memory: all of them must. */
  readonly namespace: Readonly<Record<string, string>>
}

/** How one index maps what tells whose a memory is. */
export interface PersonFields {
  readonly owner: MemoryFields
  /** In the order of the person's namespace. */
  readonly namespace: readonly MemoryFields[]
}

const OVERRIDE = 'memory:delete:any'

/** Nobody's memories are not this person's, though anybody might delete them. */
export function policyOfOwner({ ownership, ...policy }: AccessPolicy): AccessPolicy {
  return { ...policy, ownership: { ...ownership, unowned: 'deny' } }
}

/** The policies by which the fields of the namespace are read as an owner's would be. */
export function policiesOfNamespace({ namespace }: Person, policy: AccessPolicy): readonly AccessPolicy[] {
  return Object.keys(namespace).map((field) => ({
    ...policy,
    ownership: { fields: [`namespace.${field}`], unowned: 'deny' },
  }))
}

/** Whether a stored memory is this person's: by the owner's rule of every delete, or by its namespace. */
export function isOf(person: Person, source: unknown, policy: AccessPolicy): boolean {
  if (owns(source, named(person.name), policyOfOwner(policy), OVERRIDE)) return true
  const fields = Object.entries(person.namespace)
  return fields.length > 0 && fields.every(([field, value]) => holdsOnly(source, field, value))
}

function holdsOnly(source: unknown, field: string, value: string): boolean {
  const values = valuesAt(source, ['namespace', ...field.split('.')])
  return values.length > 0 && values.every((one) => one === value)
}

/** The container that a memory names, as every delete reads it. */
export function containerNamedBy(source: unknown): string | undefined {
  if (typeof source !== 'object' || source === null || !('memory_container_id' in source)) return undefined
  const { memory_container_id: id } = source
  return typeof id === 'string' && id !== '' ? id : undefined
}

/**
 * A filter for this person's memories in an index: never too few, and a few too many, since an index cannot tell a list from its only value.
 * @returns JSON
 * @throws GatewayError unsuitableMapping
 */
export function memoriesOf(person: Person, index: string, fields: PersonFields, policy: AccessPolicy): string {
  const byOwner = ownedBy({
    index,
    principal: named(person.name),
    policy: policyOfOwner(policy),
    fields: fields.owner,
    decidedAgain: true,
  })
  if (fields.namespace.length === 0) return byOwner
  const names = Object.values(person.namespace)
  const policies = policiesOfNamespace(person, policy)
  const byNamespace = fields.namespace.map((one, position) =>
    ownedBy({
      index,
      principal: named(names[position] ?? ''),
      policy: policies[position] ?? policy,
      fields: one,
      decidedAgain: true,
    }),
  )
  return `{"bool":{"should":[${byOwner},{"bool":{"filter":[${byNamespace.join(',')}]}}],"minimum_should_match":1}}`
}

/** What one task removes, or one page is of. */
interface Order {
  readonly container: string
  /** Ids that were decided to stay. */
  readonly stay?: readonly string[]
  /** Only what was written later than this, where it is set, ... */
  readonly after?: string
  /** ... and nothing that was written since this. */
  readonly seqNo: string
}

/** A filter for a person's memories in one container, of one shard. */
export function orderFor(
  memories: string,
  index: string,
  fields: PersonFields,
  { container, stay = [], after, seqNo }: Order,
): string {
  const from = after === undefined ? '' : `"gt":${after},`
  const until = `{"range":{"_seq_no":{${from}"lte":${seqNo}}}}`
  const others = stay.length === 0 ? '' : `,"must_not":[{"ids":{"values":${JSON.stringify(stay)}}}]`
  return `{"bool":{"filter":[${isOnly(index, fields.owner.container, container)},${memories},${until}]${others}}}`
}

/** Somebody who holds no scope. */
function named(subject: string): Principal {
  return {
    subject,
    issuer: '',
    scopes: new Set(),
    roles: [],
    backendRoles: [],
    container: undefined,
    containers: [],
    claims: new Map(),
    expiresAt: 0,
  }
}

interface NamingIssuer {
  readonly issuer: string
  readonly namePrefix: string
}

/**
 * The person that a subject of a token is, as memories name owners.
 * @returns why that cannot be told
 */
export function personNamed(
  {
    subject,
    issuer,
    namespace = {},
  }: { readonly subject: string; readonly issuer?: string; readonly namespace?: Person['namespace'] },
  issuers: readonly NamingIssuer[],
): Person | string {
  const [only, ...others] = issuers.filter((one) => issuer === undefined || one.issuer === issuer)
  if (only === undefined) return 'The issuer is none of auth.issuers in the configuration'
  if (others.length > 0) return 'The configuration has several issuers: say whose subject it is, by issuer'
  return { name: only.namePrefix + subject, namespace }
}
