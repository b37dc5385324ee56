import type { MemoryType } from './memory.ts'

declare const brand: unique symbol

/** The name of an index that holds memories. Only {@link backingIndexOf} makes one, so no other string is ever sent as an index name. */
export type BackingIndex = string & { readonly [brand]: true }

/** The part of a container's document that decides anything, as the ml-commons plugin stores it. */
export interface Container {
  readonly id: string
  readonly ownerName: string | undefined
  readonly backendRoles: readonly string[]
  /** Whether the document says anything at all about who may use the container. */
  readonly hasOwner: boolean
  readonly naming: ContainerNaming
}

/** How a container names its indices, or why it cannot be trusted to. */
export type ContainerNaming =
  | {
      readonly usable: true
      readonly indexPrefix: string
      readonly useSystemIndex: boolean
      readonly disableSession: boolean
      readonly disableHistory: boolean
    }
  | { readonly usable: false; readonly why: string }

export type IndexOfType =
  | { readonly kind: 'index'; readonly index: BackingIndex }
  /** Sessions or history, where the container has them switched off. */
  | { readonly kind: 'switchedOff' }
  | { readonly kind: 'unusable'; readonly why: string }

/** Maps a container's memory type to its index: server's rule, measured on 3.4.0. */
export function backingIndexOf(naming: ContainerNaming, type: MemoryType): IndexOfType {
  if (!naming.usable) return { kind: 'unusable', why: naming.why }
  if (type === 'sessions' && naming.disableSession) return { kind: 'switchedOff' }
  if (type === 'history' && naming.disableHistory) return { kind: 'switchedOff' }
  const name = `${naming.useSystemIndex ? '.plugins-ml-am-' : ''}${naming.indexPrefix}-memory-${type}`
  return isPlainIndexName(name)
    ? { kind: 'index', index: name }
    : { kind: 'unusable', why: 'its index_prefix does not make a plain index name' }
}

/** An index name that was written down earlier, where it is still one that {@link backingIndexOf} makes for the type. */
export function restoreBackingIndex(name: string, type: MemoryType): BackingIndex | undefined {
  return name.endsWith(`-memory-${type}`) && isPlainIndexName(name) ? name : undefined
}

// The server's own rules for names (MetadataCreateIndexService.validateIndexOrAliasName), and no white space or control characters.
// A container's document is under its owner's control, and `<...>` is date math, `*` a wildcard, `,` a list, a leading `-` an exclusion.
const FORBIDDEN_IN_NAMES = /[\\/*?"<>|,#:\s\p{Cc}\p{Cf}\p{Zs}]/u
const MAX_NAME_BYTES = 255

function isPlainIndexName(name: string): name is BackingIndex {
  return (
    !FORBIDDEN_IN_NAMES.test(name) &&
    !/^[-_+]/.test(name) &&
    name === name.toLowerCase() &&
    name.isWellFormed() &&
    new TextEncoder().encode(name).length <= MAX_NAME_BYTES
  )
}

/** Fields that would put a container's memories somewhere else than its index prefix says, or that bind it to a tenant. */
const ELSEWHERE = /remote|tenant|connector|endpoint|cluster/i

const SAYS_WHO = /^(?:owner|backend_roles)(?:\.|$)/

/** Reads a container's stored document. Never throws: what cannot be understood is unusable or grants nothing. */
export function parseContainer(id: string, source: unknown): Container {
  const document = asRecord(source) ?? {}
  const owner = asRecord(document['owner'])
  const ownRoles = stringsOf(document['backend_roles'])
  // The plugin asks the container's own roles, and the roles of its owner only where it has none.
  const backendRoles = ownRoles.length > 0 ? ownRoles : stringsOf(owner?.['backend_roles'])
  const ownerName = typeof owner?.['name'] === 'string' && owner['name'] !== '' ? owner['name'] : undefined
  return {
    id,
    ownerName,
    backendRoles,
    // However it is spelt: a name that is not understood must not open the container to everybody.
    hasOwner: Object.entries(document).some(([name, value]) => SAYS_WHO.test(name) && isPresent(value)),
    naming: namingOf(document),
  }
}

function namingOf(document: Readonly<Record<string, unknown>>): ContainerNaming {
  const configuration = asRecord(document['configuration'])
  if (configuration === undefined) return { usable: false, why: 'it has no configuration' }
  const elsewhere = [document, configuration]
    .flatMap((fields) => Object.entries(fields))
    .find(([name, value]) => ELSEWHERE.test(name) && isPresent(value))
  if (elsewhere !== undefined) return { usable: false, why: `its field ${elsewhere[0]} is not supported` }

  const indexPrefix = configuration['index_prefix']
  if (typeof indexPrefix !== 'string' || indexPrefix === '') return { usable: false, why: 'it has no index_prefix' }
  const useSystemIndex = flag(configuration['use_system_index'], true)
  const disableSession = flag(configuration['disable_session'], false)
  const disableHistory = flag(configuration['disable_history'], false)
  if (useSystemIndex === undefined || disableSession === undefined || disableHistory === undefined) {
    return { usable: false, why: 'one of its flags is neither true nor false' }
  }
  return { usable: true, indexPrefix, useSystemIndex, disableSession, disableHistory }
}

function flag(value: unknown, whenAbsent: boolean): boolean | undefined {
  if (!isPresent(value)) return whenAbsent
  return typeof value === 'boolean' ? value : undefined
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isRecord(value) ? value : undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string' && item !== '') : []
}
