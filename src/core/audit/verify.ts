import type { Hash } from './chain.ts'
import type { AuditFinding, Place } from './finding.ts'
import { readSegments } from './segments.ts'
import type { AuditFile, Segment, VerifySignature } from './segments.ts'

export interface VerifyOptions {
  readonly hash: Hash
  /** Absent where no keys are given: signatures are not looked at then. */
  readonly verifySignature?: VerifySignature
  /** The gateway still runs: the last chain of each writer has no end yet. */
  readonly isRunning: boolean
  /** Not all files are given: what was written before the first record of a chain may be elsewhere. */
  readonly isPartial: boolean
}

/** One start of a gateway, in all files. */
export interface ChainReport {
  readonly writer: string
  readonly start: string
  readonly from: Place
  readonly to: Place
  readonly first: number
  readonly last: number
  /** `closed` by the gateway, `followed` by a start that names its end, or `open`. */
  readonly end: 'closed' | 'followed' | 'open'
  /** Of the last record with a good signature, which vouches for all before it; absent where there is none. */
  readonly signedUpTo?: number
}

export interface AuditReport {
  readonly intact: boolean
  readonly records: number
  /** Lines that are no records. */
  readonly otherLines: number
  readonly chains: readonly ChainReport[]
  /** By file and line. */
  readonly findings: readonly AuditFinding[]
}

/** Reads audit files, in whatever order, and finds what was changed, left out, put elsewhere or cut off. */
export async function verifyAudit(files: readonly AuditFile[], options: VerifyOptions): Promise<AuditReport> {
  const { segments, findings, records, others } = await readSegments(files, options.hash, options.verifySignature)
  const found = [...findings]
  const chains = [...Map.groupBy(segments, ({ start }) => start).values()].map((ofStart) =>
    join(ofStart, others, found),
  )
  for (const chain of chains) {
    judgeBeginning(chain, chains, others, options, found)
    judgeEnd(chain, chains, options, found)
  }
  const reports = chains.map((chain) => reportOf(chain, chains))
  if (options.verifySignature !== undefined) chains.forEach((chain) => judgeSignatures(chain, chains, options, found))
  return {
    intact: found.length === 0 && records > 0,
    records,
    otherLines: others.length,
    chains: reports,
    findings: found.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1)),
  }
}

/** Joins the segments of one chain in the order of their sequence. */
function join(segments: readonly Segment[], others: readonly Place[], found: AuditFinding[]): Segment {
  const [first, ...rest] = [...segments].sort((a, b) => a.first - b.first || a.last - b.last)
  if (first === undefined) throw new Error('a chain has a segment')
  let before = first
  const chain = { ...first }
  for (const next of rest) {
    const { start } = chain
    if (next.from.file === before.from.file && next.from.line < before.from.line) {
      const message = `it stands before record ${String(before.first)} of its chain, in line ${String(before.from.line)}`
      found.push({ kind: 'reordered', ...next.from, start, sequence: next.first, message })
    }
    if (next.first <= chain.last) {
      const message = `records ${span(next.first, Math.min(next.last, chain.last))} of its chain stand there twice`
      found.push({ kind: 'repeated', ...next.from, start, sequence: next.first, message })
    } else if (next.first > chain.last + 1) {
      if (!others.some((place) => isBetween(place, chain.to, next.from))) {
        const message = `records ${span(chain.last + 1, next.first - 1)} of its chain are not there; the one before is in ${worded(chain.to)}`
        found.push({ kind: 'missing', ...next.from, start, sequence: chain.last + 1, message })
      } else if (!found.some((finding) => finding.kind === 'changed' && isBetween(finding, chain.to, next.from))) {
        const message = `between it and ${worded(chain.to)} a line is no record any more`
        found.push({ kind: 'changed', ...next.from, start, sequence: chain.last + 1, message })
      }
    } else if (next.firstPrevious !== chain.lastHash) {
      const message = 'the record after it names another hash: it was replaced'
      found.push({ kind: 'changed', ...chain.to, start, sequence: chain.last, message })
    }
    before = next
    if (next.last <= chain.last) continue
    const { last, lastHash, to, isClosed } = next
    Object.assign(chain, { last, lastHash, to, isClosed, signed: next.signed ?? chain.signed })
  }
  return chain
}

function judgeBeginning(
  chain: Segment,
  chains: readonly Segment[],
  others: readonly Place[],
  { isPartial }: VerifyOptions,
  found: AuditFinding[],
): void {
  const { from, start, first, follows } = chain
  if (isPartial) return
  if (first > 0) {
    const damage = others.find((place) => isBetween(place, { file: from.file, line: 0 }, from))
    const message =
      damage === undefined
        ? `records ${span(0, first - 1)} of its chain are not there; they may stand in an older file`
        : `the records before it cannot be read; see line ${String(damage.line)}`
    found.push({ kind: damage === undefined ? 'missing' : 'changed', ...from, start, sequence: 0, message })
  } else if (follows !== undefined && !chains.some((other) => other.start === follows.start)) {
    const message = `the start before it, ${follows.start} with records ${span(0, follows.sequence)}, is not there; it may stand in an older file`
    found.push({ kind: 'missing', ...from, start: follows.start, sequence: 0, message })
  }
}

function judgeEnd(
  chain: Segment,
  chains: readonly Segment[],
  { isRunning }: VerifyOptions,
  found: AuditFinding[],
): void {
  const { start, last, to } = chain
  const [next, ...more] = followersOf(chain, chains)
  for (const fork of more) {
    const message = 'another start goes on from the same one: a file was put back, or two gateways write as one'
    found.push({ kind: 'forked', ...fork.from, start: fork.start, sequence: 0, message })
  }
  const saw = next?.follows?.sequence
  if (next === undefined || saw === undefined) {
    if (chain.isClosed || (isRunning && isNewest(chain, chains))) return
    const message = 'its chain has no end: the end was cut off, or the gateway was killed, or it still runs (--running)'
    found.push({ kind: 'cutOff', ...to, start, sequence: last + 1, message })
  } else if (saw > last) {
    const message = `records ${span(last + 1, saw)} of its chain were there when the gateway started again, and are not now`
    found.push({ kind: 'cutOff', ...to, start, sequence: last + 1, message })
  } else if (saw < last) {
    const message = `records ${span(saw + 1, last)} of its chain were not there when the gateway started again`
    found.push({ kind: 'added', ...to, start, sequence: saw + 1, message })
  } else if (next.firstPrevious !== chain.lastHash) {
    const message = 'the next start names another hash: it was replaced'
    found.push({ kind: 'changed', ...to, start, sequence: last, message })
  }
}

/** A signature vouches for all before it; what a chain's end has none for, that of the next start vouches for, which names that end. */
function judgeSignatures(
  chain: Segment,
  chains: readonly Segment[],
  { isRunning }: VerifyOptions,
  found: AuditFinding[],
): void {
  const { start, last, signed, to } = chain
  if (signed === last) return
  if (followersOf(chain, chains).some((next) => next.signed !== undefined)) return
  if (signed !== undefined && isRunning && !chain.isClosed && isNewest(chain, chains)) return
  const from = signed ?? 0
  const message = `no signature vouches for records ${span(from, last)} of its chain`
  found.push({ kind: 'unsigned', ...to, start, sequence: from, message })
}

function followersOf({ start }: Segment, chains: readonly Segment[]): readonly Segment[] {
  return chains.filter(({ follows, first }) => first === 0 && follows?.start === start)
}

function isNewest({ writer, openedAt }: Segment, chains: readonly Segment[]): boolean {
  return !chains.some((other) => other.writer === writer && other.openedAt > openedAt)
}

function reportOf(chain: Segment, chains: readonly Segment[]): ChainReport {
  const { writer, start, from, to, first, last, isClosed, signed } = chain
  const end = isClosed ? 'closed' : followersOf(chain, chains).length > 0 ? 'followed' : 'open'
  return { writer, start, from, to, first, last, end, ...(signed === undefined ? {} : { signedUpTo: signed }) }
}

function isBetween(place: Place, from: Place, to: Place): boolean {
  return place.file === from.file && place.file === to.file && place.line > from.line && place.line < to.line
}

function span(from: number, to: number): string {
  return from === to ? String(from) : `${String(from)} to ${String(to)}`
}

function worded({ file, line }: Place): string {
  return `${file}:${String(line)}`
}
