import type { BodyScanner, ScanLimits } from './finding.ts'
import { FirstNamings } from './first-namings.ts'
import { readHeaderLine } from './header-line.ts'
import type { NextLine } from './line-cutter.ts'
import { findInQuery, hasPointInTime } from './named-in-query.ts'
import { parsePlainJson } from './plain-json.ts'
import { scanLines } from './scan-lines.ts'
import type { LinesReader, LinesReport } from './scan-lines.ts'

/**
 * Reads a `_msearch` body: by turns a header and a search. A header may be empty; an empty first line is passed over, and only that one
 * (MultiSearchRequest.readMultiLineFormat of OpenSearch 3.4.0).
 */
export function scanMsearch(limits: ScanLimits): BodyScanner {
  return scanLines(Math.max(limits.searchBytes, limits.lineBytes), (report) => readSearches(limits, report))
}

function readSearches({ searchBytes, lineBytes }: ScanLimits, { found, giveUp }: LinesReport): LinesReader {
  const headerLine: NextLine = { kind: 'read', maxBytes: lineBytes }
  const bodyLine: NextLine = { kind: 'read', maxBytes: searchBytes }
  const namings = new FirstNamings()
  let isBodyNext = false
  /** The line of a header that names no index, until its search is known: one over a point in time needs none. */
  let unnamedAt: number | undefined

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
    found(...header.indices.flatMap((indices) => namings.named(indices, line)))
  }
  const readBody = (bytes: Uint8Array, line: number): void => {
    isBodyNext = false
    const json = parsePlainJson(bytes)
    if (json.kind === 'unreadable') {
      giveUp(json.why, line)
      return
    }
    const isOverPointInTime = json.kind === 'value' && hasPointInTime(json.value)
    if (unnamedAt !== undefined && !isOverPointInTime) found(...namings.unnamed(unnamedAt))
    unnamedAt = undefined
    if (json.kind === 'value') found(...findInQuery(json.value, line, namings))
  }
  return {
    next: () => (isBodyNext ? bodyLine : headerLine),
    onLine: (bytes, line) => (isBodyNext ? readBody(bytes, line) : readHeader(bytes, line)),
    onEnd() {
      if (unnamedAt !== undefined) found(...namings.unnamed(unnamedAt))
    },
  }
}
