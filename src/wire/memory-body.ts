import type { MemoryType } from '../core/memory.ts'
import { isList, isObject } from './body.ts'
import type { Body } from './body.ts'

type Fields = Readonly<Record<string, Body>>

/**
 * A stored memory as the ml-commons plugin answers it (transcripts 101-103; the field lists of 3.4 to 3.8): the fields that it knows of the type,
 * in its order, without what is null. Fields of other names stay unsaid, and long-term memories do not say their container.
 */
export function memoryBody(type: MemoryType, source: unknown): Body {
  // The store read it from JSON.
  const fields = isObject(source as Body) ? (source as Fields) : {}
  const body: Record<string, Body> = {}
  for (const name of FIELDS[type]) {
    const value = valueOf(type, name, fields)
    if (value !== undefined && value !== null) body[name] = value
  }
  return body
}

const FIELDS = {
  sessions: [
    'owner_id',
    'memory_container_id',
    'summary',
    'created_time',
    'last_updated_time',
    'metadata',
    'agents',
    'additional_info',
    'namespace',
    'tenant_id',
    'pinned',
  ],
  working: [
    'memory_container_id',
    'payload_type',
    'messages',
    'message_id',
    'binary_data',
    'structured_data',
    'structured_data_blob',
    'namespace',
    'namespace_size',
    'infer',
    'metadata',
    'tags',
    'created_time',
    'last_updated_time',
    'owner_id',
    'checkpoint_id',
  ],
  'long-term': [
    'memory',
    'strategy_type',
    'tags',
    'namespace',
    'namespace_size',
    'created_time',
    'last_updated_time',
    'memory_embedding',
    'owner_id',
    'strategy_id',
    'pinned',
  ],
  history: [
    'owner_id',
    'memory_container_id',
    'memory_id',
    'action',
    'before',
    'after',
    'namespace',
    'namespace_size',
    'tags',
    'created_time',
    'tenant_id',
    'error',
    'pinned',
  ],
} as const satisfies Record<MemoryType, readonly string[]>

/** What the plugin leaves out where it holds nothing; of sessions it says it all the same. */
const LEFT_OUT_EMPTY = ['messages', 'namespace', 'metadata', 'tags']

function valueOf(type: MemoryType, name: string, fields: Fields): Body | undefined {
  const stored = Object.hasOwn(fields, name) ? fields[name] : undefined
  switch (name) {
    case 'namespace_size':
      return namespaceSize(type, fields['namespace'])
    case 'payload_type':
      return stored ?? 'conversational'
    case 'infer':
      return stored ?? false
    default:
      return type !== 'sessions' && LEFT_OUT_EMPTY.includes(name) && isEmpty(stored) ? undefined : stored
  }
}

/** Counted, not read: only a working memory says that its namespace is empty. */
function namespaceSize(type: MemoryType, namespace: Body | undefined): Body | undefined {
  if (namespace === undefined || !isObject(namespace)) return undefined
  const size = Object.keys(namespace).length
  return size > 0 || type === 'working' ? size : undefined
}

function isEmpty(value: Body | undefined): boolean {
  if (value === undefined || value === null) return true
  if (isList(value)) return value.length === 0
  return isObject(value) && Object.keys(value).length === 0
}
