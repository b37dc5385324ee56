import type { MemoryType } from '../../src/core/memory.ts'
import { call } from './call.ts'
import type { Reply } from './call.ts'
import type { TestGateway } from './gateway.ts'

/** In whose words a delete is asked for and answered. */
export type DialectName = 'opensearch' | 'memoryPlugin'

export const DIALECTS: readonly DialectName[] = ['opensearch', 'memoryPlugin']

export interface DeleteCall {
  readonly container: string
  readonly type: MemoryType
  readonly id: string
  readonly query?: string
  /** By default alice's, with `memory:delete`. */
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Deletes a memory in one of the dialects. The container travels in the token for the legacy one. */
export async function deleteIn(
  dialect: DialectName,
  gateway: Pick<TestGateway, 'url' | 'token'>,
  { container, type, id, query = '', token, headers = {} }: DeleteCall,
): Promise<Reply> {
  return call(gateway.url, {
    method: 'DELETE',
    path: `${pathOf(dialect, container, type, id)}${query}`,
    token: token ?? (await gateway.token({ extra: { memory_container: container } })),
    headers,
  })
}

export function pathOf(dialect: DialectName, container: string, type: MemoryType, id: string): string {
  const encoded = encodeURIComponent(id)
  return dialect === 'opensearch'
    ? `/_plugins/_ml/memory_containers/${encodeURIComponent(container)}/memories/${type}/${encoded}`
    : `/api/memories/${encoded}`
}

/** The body of an error, in the words of the dialect. */
export function errorBody(
  dialect: DialectName,
  status: number,
  error: { type: string; reason: string; legacy?: string },
): unknown {
  const { type, reason, legacy = reason } = error
  if (dialect === 'memoryPlugin') return { error: legacy }
  return { error: { root_cause: [{ type, reason }], type, reason }, status }
}
