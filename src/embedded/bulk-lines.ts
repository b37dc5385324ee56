import { illegalArgument } from './errors.ts'
import type { Token } from './json-reader.ts'
import { JsonReader } from './json-reader.ts'
import { parseInteger } from './parameters.ts'
import type { UpdateBody } from './bulk-update.ts'
import { parseUpdate } from './bulk-update.ts'
import type { ConditionParts } from './write-checks.ts'
import { primaryTermOf, seqNoOf } from './write-checks.ts'

export type BulkAction = 'create' | 'delete' | 'index' | 'update'

/** One item of a `_bulk` as it was sent; nothing of it is checked against the store yet. */
export interface BulkItem {
  readonly action: BulkAction
  readonly index: string | undefined
  readonly id: string | undefined
  readonly routing: string | undefined
  readonly version: bigint | undefined
  readonly condition: ConditionParts
  /** The document of an index or a create. */
  readonly source: Buffer
  readonly update: UpdateBody | undefined
}

const NEWLINE = 0x0a
const ACTIONS: readonly string[] = ['create', 'delete', 'index', 'update'] satisfies BulkAction[]

/** Reads the lines of a `_bulk`. Throws for the whole request, as the server does, on the first line that is not well-formed. */
export function parseBulk(body: Buffer, defaultIndex: string | undefined): readonly BulkItem[] {
  const items: BulkItem[] = []
  let line = 0
  for (let from = 0; from < body.length;) {
    const end = lineEnd(body, from)
    const text = body.subarray(from, end)
    line += 1
    from = end + 1
    const meta = parseAction(text, line)
    if (meta === undefined) continue
    if (meta.action === 'delete') {
      items.push({ ...meta, index: meta.index ?? defaultIndex, source: text, update: undefined })
      continue
    }
    if (from >= body.length) break
    const sourceEnd = lineEnd(body, from)
    const source = withoutCarriageReturn(body.subarray(from, sourceEnd))
    line += 1
    from = sourceEnd + 1
    const update = meta.action === 'update' ? parseUpdate(source) : undefined
    items.push({ ...meta, index: meta.index ?? defaultIndex, source, update })
  }
  return items
}

function lineEnd(body: Buffer, from: number): number {
  const end = body.indexOf(NEWLINE, from)
  if (end === -1) throw illegalArgument('The bulk request must be terminated by a newline [\\n]')
  return end
}

function withoutCarriageReturn(line: Buffer): Buffer {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
}

type Meta = Omit<BulkItem, 'source' | 'update'>

function parseAction(text: Buffer, line: number): Meta | undefined {
  const reader = new JsonReader(text)
  const start = reader.next()
  if (start === undefined) return undefined
  expectToken(start, 'START_OBJECT', line)
  const name = reader.require()
  expectToken(name, 'FIELD_NAME', line)
  const action = name.text
  if (!isAction(action)) {
    throw malformed(line, `expected one of [create, delete, index, update] but found [${action}]`)
  }
  const open = reader.require()
  if (open.type !== 'START_OBJECT')
    throw malformed(line, `expected START_OBJECT or END_OBJECT but found [${open.type}]`)
  return { action, ...parseMeta(reader, line) }
}

function expectToken(token: Token, type: Token['type'], line: number): void {
  if (token.type !== type) throw malformed(line, `expected ${type} but found [${token.type}]`)
}

function malformed(line: number, complaint: string): Error {
  return illegalArgument(`Malformed action/metadata line [${line}], ${complaint}`)
}

function isAction(text: string): text is BulkAction {
  return ACTIONS.includes(text)
}

const META_FIELDS = new Set([
  '_index',
  '_id',
  'routing',
  '_routing',
  'version',
  '_version',
  'if_seq_no',
  'if_primary_term',
])

function parseMeta(reader: JsonReader, line: number): Omit<Meta, 'action'> {
  const values = new Map<string, string>()
  for (let name = reader.require(); name.type !== 'END_OBJECT'; name = reader.require()) {
    const value = reader.require()
    if (value.type === 'START_OBJECT' || value.type === 'START_ARRAY') {
      throw malformed(line, `expected a simple value for field [${name.text}] but found [${value.type}]`)
    }
    if (value.type === 'VALUE_NULL') continue
    if (!META_FIELDS.has(name.text)) {
      throw illegalArgument(`Action/metadata line [${line}] contains an unknown parameter [${name.text}]`)
    }
    values.set(name.text, value.text)
  }
  return {
    index: values.get('_index'),
    id: values.get('_id'),
    routing: values.get('routing') ?? values.get('_routing'),
    version: longOf(values.get('version') ?? values.get('_version')),
    condition: {
      seqNo: seqNoOf(longOf(values.get('if_seq_no'))),
      primaryTerm: primaryTermOf(longOf(values.get('if_primary_term'))),
    },
  }
}

function longOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  const number = parseInteger(text, 2n ** 63n)
  if (number === undefined) throw illegalArgument(`For input string: "${text}"`)
  return number
}
