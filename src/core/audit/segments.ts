import { isAbout, readRecord } from './chain.ts'
import type { Hash, ReadRecord } from './chain.ts'
import type { AuditFinding, Place } from './finding.ts'

/** An audit file as it is read: its lines without their ends, `undefined` for one that is not UTF-8. */
export interface AuditFile {
  readonly name: string
  readonly lines: AsyncIterable<string | undefined>
}

/**
 * Verifies a compact JWS.
 * @returns what it says; `undefined` where none of the keys made it
 */
export type VerifySignature = (jws: string) => Promise<unknown>

/** Records of one chain that stand in one file in the order of their sequence; others may stand between them. */
export interface Segment {
  readonly writer: string
  readonly start: string
  readonly first: number
  readonly firstPrevious: string
  readonly from: Place
  /** What the first record of a chain says of the chain before. */
  readonly follows: { readonly start: string; readonly sequence: number } | undefined
  readonly openedAt: string
  last: number
  lastHash: string
  to: Place
  isClosed: boolean
  /** The sequence of the last record that carries a good signature. */
  signed: number | undefined
}

/** What all files hold. */
export interface ReadFiles {
  readonly segments: readonly Segment[]
  readonly findings: readonly AuditFinding[]
  readonly records: number
  /** Lines that cannot be read as an intact record: something else, or what is left of a record. */
  readonly others: readonly Place[]
}

/** Reads files line by line into segments; what is wrong with a single record is found here. */
export async function readSegments(
  files: readonly AuditFile[],
  hash: Hash,
  verifySignature: VerifySignature | undefined,
): Promise<ReadFiles> {
  const segments: Segment[] = []
  const findings: AuditFinding[] = []
  const others: Place[] = []
  let records = 0
  for (const { name, lines } of files) {
    const open = new Map<string, Segment>()
    let line = 0
    for await (const text of lines) {
      line += 1
      const place = { file: name, line }
      const record = text === undefined ? undefined : readRecord(text, hash)
      if (record === undefined) {
        if (text !== '') others.push(place)
        continue
      }
      records += 1
      const segment = open.get(record.start)
      if (!record.isIntact) {
        others.push(place)
        findings.push({ kind: 'changed', ...place, ...named(record), message: 'its hash is not that of its content' })
        if (segment === undefined || record.sequence !== segment.last + 1) continue
      }
      const placed = segment !== undefined && record.sequence === segment.last + 1 ? segment : undefined
      if (placed === undefined) {
        const opened = openSegment(record, place)
        open.set(record.start, opened)
        segments.push(opened)
      } else {
        if (record.previous !== placed.lastHash) findings.push(replaced(record, placed))
        extend(placed, record, place)
      }
      const signed = await isSigned(record, verifySignature)
      if (signed === false) {
        findings.push({
          kind: 'badSignature',
          ...place,
          ...named(record),
          message: 'its signature is of no known key, or of another record',
        })
      }
      const current = open.get(record.start)
      if (signed === true && current !== undefined) current.signed = record.sequence
    }
  }
  return { segments, findings, records, others }
}

function openSegment(record: ReadRecord, place: Place): Segment {
  const { writer, start, sequence, previous, hash, fields } = record
  const { 'memory.follows_start': followed, 'memory.follows_sequence': upTo, '@timestamp': at } = fields
  return {
    writer,
    start,
    first: sequence,
    firstPrevious: previous,
    from: place,
    follows: typeof followed === 'string' && typeof upTo === 'number' ? { start: followed, sequence: upTo } : undefined,
    openedAt: typeof at === 'string' ? at : '',
    last: sequence,
    lastHash: hash,
    to: place,
    isClosed: fields['memory.phase'] === 'closed',
    signed: undefined,
  }
}

function extend(segment: Segment, { sequence, hash, fields }: ReadRecord, place: Place): void {
  segment.last = sequence
  segment.lastHash = hash
  segment.to = place
  segment.isClosed = fields['memory.phase'] === 'closed'
}

/** `undefined` where the record carries no signature, or nobody can tell. */
async function isSigned(
  record: ReadRecord,
  verifySignature: VerifySignature | undefined,
): Promise<boolean | undefined> {
  const signature = record.fields['memory.signature']
  if (typeof signature !== 'string' || verifySignature === undefined) return undefined
  return isAbout(await verifySignature(signature), record)
}

function replaced({ start }: ReadRecord, segment: Segment): AuditFinding {
  const message = 'the record after it names another hash: it was replaced'
  return { kind: 'changed', ...segment.to, start, sequence: segment.last, message }
}

function named({ start, sequence }: ReadRecord): { readonly start: string; readonly sequence: number } {
  return { start, sequence }
}
