import { MAX_HELD_BYTES, MAX_METADATA_BYTES } from './finding.ts'
import type { BodyScanner, Finding } from './finding.ts'
import { FirstNamings } from './first-namings.ts'
import { readHeaderLine } from './header-line.ts'
import { LineCutter } from './line-cutter.ts'
import type { NextLine } from './line-cutter.ts'
import { findInQuery, hasPointInTime } from './named-in-query.ts'
import { parsePlainJson } from './plain-json.ts'

const HEADER: NextLine = { kind: 'read', maxBytes: MAX_METADATA_BYTES }
const BODY: NextLine = { kind: 'read', maxBytes: MAX_HELD_BYTES }

/**
 * Reads a `_msearch` body: by turns a header and a search. A header may be empty; an empty first line is passed over, and only that one
 * (MultiSearchRequest.readMultiLineFormat of OpenSearch 3.4.0).
 */
export function scanMsearch(): BodyScanner {
  let findings: Finding[] = []
  const namings = new FirstNamings()
  let isBodyNext = false
  /** The line of a header that names no index, until its search is known: one over a point in time needs none. */
  let unnamedAt: number | undefined

  const giveUp = (why: string, line: number): void => {
    findings.push({ kind: 'unreadable', line, why })
    cutter.stop()
  }
  const readHeader = (bytes: Uint8Array, line: number): void => {
    if (line === 1 && bytes.length === 0) return
    isBodyNext = true
    const json = parsePlainJson(bytes)
    const header = json.kind === 'value' ? readHeaderLine(json.value) : json
    if (header.kind === 'unreadable') {
      giveUp(header.why, line)
      return
    }
    if (header.kind === 'empty' || header.indices.length === 0) {
      unnamedAt = line
      return
    }
    findings.push(...header.indices.flatMap((indices) => namings.named(indices, line)))
  }
  const readBody = (bytes: Uint8Array, line: number): void => {
    isBodyNext = false
    const json = parsePlainJson(bytes)
    if (json.kind === 'unreadable') {
      giveUp(json.why, line)
      return
    }
    const isOverPointInTime = json.kind === 'value' && hasPointInTime(json.value)
    if (unnamedAt !== undefined && !isOverPointInTime) findings.push(...namings.unnamed(unnamedAt))
    unnamedAt = undefined
    if (json.kind === 'value') findings.push(...findInQuery(json.value, line, namings))
  }
  const cutter = new LineCutter(
    {
      next: () => (isBodyNext ? BODY : HEADER),
      onSkipped: () => undefined,
      onLine: (bytes, line) => (isBodyNext ? readBody(bytes, line) : readHeader(bytes, line)),
      onTooLong: (line, bytes) => findings.push({ kind: 'tooLong', line, bytes }),
    },
    MAX_HELD_BYTES,
  )
  const takeFindings = (): readonly Finding[] => {
    const taken = findings
    findings = []
    return taken
  }
  return {
    push(bytes) {
      cutter.push(bytes)
      return takeFindings()
    },
    end() {
      cutter.end()
      if (unnamedAt !== undefined) findings.push(...namings.unnamed(unnamedAt))
      return takeFindings()
    },
  }
}
