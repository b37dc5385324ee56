/** A hash of a text, as base64url: SHA-256, handed in. */
export type Hash = (text: string) => string

/** The fields of a record, by their names in the Elastic Common Schema or below `memory.`; what is `undefined` is left out. */
export type AuditFields = Readonly<Record<string, unknown>>

/** Where a chain of records stands: who writes it, since which start, and its last record. */
export interface ChainPosition {
  /** The gateway's lasting name. */
  readonly writer: string
  /** Unlike that of any other start. */
  readonly start: string
  /** Of the next record. */
  readonly sequence: number
  /** The hash of the record before; empty where there is none. */
  readonly previous: string
}

interface SealedRecord {
  /** One line, its end included. */
  readonly line: string
  readonly next: ChainPosition
}

/** Puts a record into its chain: it names the hash of the record before, and ends with its own, over every byte before that. */
export function sealRecord(fields: AuditFields, position: ChainPosition, hash: Hash): SealedRecord {
  const { writer, start, sequence, previous } = position
  const text = JSON.stringify({
    ...fields,
    'agent.id': writer,
    'agent.ephemeral_id': start,
    'event.sequence': sequence,
    'memory.previous': previous,
  })
  const own = hash(text)
  const line = `${text.slice(0, -1)},"event.hash":"${own}"}\n`
  return { line, next: { writer, start, sequence: sequence + 1, previous: own } }
}

/** A record as it was read: what it says of its place in its chain, and whether its hash is that of its bytes. */
export interface ReadRecord {
  readonly writer: string
  readonly start: string
  readonly sequence: number
  readonly previous: string
  readonly hash: string
  readonly isIntact: boolean
  readonly fields: AuditFields
}

const SEALED = /^(\{.*),"event\.hash":"([\w-]{43})"\}$/s

/** Reads a line without its end; `undefined` for what is no record. */
export function readRecord(line: string, hash: Hash): ReadRecord | undefined {
  const [, text, own] = SEALED.exec(line) ?? []
  if (text === undefined || own === undefined) return undefined
  const fields = parseObject(line)
  if (fields === undefined) return undefined
  const { 'agent.id': writer, 'agent.ephemeral_id': start, 'event.sequence': sequence } = fields
  const previous = fields['memory.previous']
  if (typeof writer !== 'string' || typeof start !== 'string' || typeof previous !== 'string') return undefined
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0) return undefined
  return { writer, start, sequence, previous, hash: own, isIntact: hash(`${text}}`) === own, fields }
}

function parseObject(line: string): AuditFields | undefined {
  try {
    return JSON.parse(line) as AuditFields
  } catch {
    return undefined
  }
}

/** What the signature in a record says: this chain stands here. Signed are all records up to, and not with, the one that carries it. */
export interface ChainStatement {
  readonly writer: string
  readonly start: string
  /** Of the record that carries it. */
  readonly sequence: number
  readonly previous: string
}

/** Whether a signed statement is about the very record that carries it. */
export function isAbout(statement: unknown, record: ReadRecord): boolean {
  if (typeof statement !== 'object' || statement === null) return false
  const { writer, start, sequence, previous } = statement as Partial<Record<keyof ChainStatement, unknown>>
  return (
    writer === record.writer && start === record.start && sequence === record.sequence && previous === record.previous
  )
}
