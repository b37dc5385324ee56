import { randomBytes } from 'node:crypto'

import type { MemoryType } from '../../src/core/memory.ts'
import { MEMORY_TEXT } from './collected.ts'

export interface TestMemories {
  /** Unlike any other test's: the prefix of the indices, in lower case. */
  readonly prefix: string
  readonly containerIndex: string
  indexOf(type: MemoryType): string
  /** Stores a container as the ml-commons plugin would; `configuration` is laid over plain defaults. */
  putContainer(
    id: string,
    document?: {
      owner?: unknown
      backend_roles?: readonly string[]
      configuration?: Readonly<Record<string, unknown>>
      [field: string]: unknown
    },
  ): Promise<void>
  /** Stores a memory, refreshed, with a text that no gateway may ever say but to who may read it. */
  putMemory(type: MemoryType, id: string, source: Readonly<Record<string, unknown>>): Promise<void>
  /** Whether the memory is there, by a realtime GET straight at the cluster. */
  hasMemory(type: MemoryType, id: string): Promise<boolean>
  /** Asks the cluster itself, past any gateway. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>
  /** Deletes the indices of this test. */
  removeAll(): Promise<void>
}

const TYPES: readonly MemoryType[] = ['sessions', 'working', 'long-term', 'history']

/** Containers and memories of one test on a cluster without security, in indices of their own. */
export function testMemories(clusterUrl: string): TestMemories {
  const prefix = `t${randomBytes(6).toString('hex')}`
  const containerIndex = `${prefix}-containers`
  const indexOf = (type: MemoryType): string => `${prefix}-memory-${type}`

  async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(clusterUrl + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }

  async function put(index: string, id: string, source: unknown): Promise<void> {
    const { status, body } = await ask('PUT', `/${index}/_doc/${encodeURIComponent(id)}?refresh=true`, source)
    if (status !== 200 && status !== 201)
      throw new Error(`PUT ${index}/${id}: ${String(status)} ${JSON.stringify(body)}`)
  }

  return {
    prefix,
    containerIndex,
    indexOf,
    ask,
    putContainer: (id, { configuration, ...document } = {}) =>
      put(containerIndex, id, {
        name: id,
        configuration: {
          index_prefix: prefix,
          use_system_index: false,
          disable_session: false,
          disable_history: false,
          ...configuration,
        },
        ...document,
      }),
    putMemory: (type, id, source) => put(indexOf(type), id, { ...source, planted: MEMORY_TEXT }),
    async hasMemory(type, id) {
      const { status } = await ask('GET', `/${indexOf(type)}/_doc/${encodeURIComponent(id)}?_source=false`)
      return status === 200
    },
    async removeAll() {
      for (const index of [containerIndex, ...TYPES.map(indexOf)]) await ask('DELETE', `/${index}`)
    },
  }
}
