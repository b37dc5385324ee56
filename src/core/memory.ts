/** The four types of agentic memory, in the order in which the server lists them. */
export const MEMORY_TYPES = ['sessions', 'working', 'long-term', 'history'] as const

export type MemoryType = (typeof MEMORY_TYPES)[number]

/** Matches as the server does: without regard to case. `undefined` for anything else, the singular `session` included. */
export function parseMemoryType(text: string): MemoryType | undefined {
  const lower = text.toLowerCase()
  return MEMORY_TYPES.find((type) => type === lower)
}

/** The cluster's own limit on a document's id (IndexRequest, measured on 3.4.0), in bytes of UTF-8. */
export const MAX_ID_BYTES = 512

export function idBytes(memoryId: string): number {
  return new TextEncoder().encode(memoryId).length
}
