/** The names that stand in for a cluster's own: what is out of reach, and what is not. */
export interface GuardNames {
  /** Begins the names of all the others. */
  readonly stem: string
  /** An index of memories. */
  readonly canary: string
  /** The document in it, under this id. */
  readonly id: string
  /** An ordinary index with a document of the same id. */
  readonly open: string
  /** An alias of the index of memories, and of nothing else. */
  readonly alias: string
}

/** One way to ask for what is out of reach, as it goes on the wire. */
export interface Spelling {
  /** The row of the list of threats, in words. */
  readonly row: string
  readonly method: string
  readonly target: string
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
  /** Sent chunked, in parts of so many bytes; else with its length. */
  readonly chunkBytes?: number
  /** Reads only, so that a test may send it to the cluster itself, to see whether it would get there. */
  readonly isRead?: boolean
  /** It means what is in everybody's reach, whatever it looks like: it may be answered. */
  readonly isHarmless?: boolean
}

export const INDEX_ROW = 'index named another way'
export const PATH_ROW = 'rules matched the un-normalised path'
export const TARGET_ROW = 'absolute-form, authority-form, no leading slash'
export const OVERRIDE_ROW = 'method override headers and parameters'
export const HIDDEN_ROW = 'a query hid another one'
export const ROUTE_ROW = 'a route that reaches everything'

export const JSON_HEADER = 'Content-Type: application/json'
export const NDJSON_HEADER = 'Content-Type: application/x-ndjson'

/** The bytes of a request on a connection of its own. */
export function wireOf(
  { method, target, headers = [], body, chunkBytes }: Spelling,
  more: readonly string[],
): Uint8Array {
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const framing = framingOf(bytes, chunkBytes)
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: gateway.test', 'Connection: close', ...more, ...headers]
  return Buffer.concat([
    Buffer.from(`${[...lines, ...framing].join('\r\n')}\r\n\r\n`, 'latin1'),
    bytes === undefined ? Buffer.alloc(0) : chunkBytes === undefined ? bytes : chunked(bytes, chunkBytes),
  ])
}

function framingOf(bytes: Uint8Array | undefined, chunkBytes: number | undefined): readonly string[] {
  if (bytes === undefined) return []
  return chunkBytes === undefined ? [`Content-Length: ${String(bytes.length)}`] : ['Transfer-Encoding: chunked']
}

function chunked(bytes: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}
