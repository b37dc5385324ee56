import { readActionLine } from './action-line.ts'
import { MAX_METADATA_BYTES } from './finding.ts'
import type { BodyScanner, Finding } from './finding.ts'
import { FirstNamings } from './first-namings.ts'
import { LineCutter } from './line-cutter.ts'
import type { NextLine } from './line-cutter.ts'
import { parsePlainJson } from './plain-json.ts'

/**
 * Reads a `_bulk` body: lines of metadata are parsed, the source lines after them passed over up to their newline, whatever they hold. Lines
 * are told apart as the server does it (BulkRequestParser of OpenSearch 3.4.0): empty ones count for nothing where metadata is due, and a
 * line that is not understood ends the reading, since what follows could be either.
 */
export function scanBulk(): BodyScanner {
  let findings: Finding[] = []
  const namings = new FirstNamings()
  let isSourceNext = false
  const cutter = new LineCutter(
    {
      next: (): NextLine => (isSourceNext ? { kind: 'skip' } : { kind: 'read', maxBytes: MAX_METADATA_BYTES }),
      onSkipped: () => (isSourceNext = false),
      onLine(bytes, line) {
        const json = parsePlainJson(bytes)
        if (json.kind === 'empty') return
        const action = json.kind === 'value' ? readActionLine(json.value) : json
        if (action.kind === 'unreadable') {
          findings.push({ ...action, line })
          cutter.stop()
          return
        }
        isSourceNext = action.hasSource
        findings.push(...(action.index === undefined ? namings.unnamed(line) : namings.named([action.index], line)))
        // An ingest pipeline may send the document to any index.
        if (action.hasPipeline) findings.push({ kind: 'hidden', line, what: 'a pipeline' })
      },
      onTooLong: (line, bytes) => findings.push({ kind: 'tooLong', line, bytes }),
    },
    MAX_METADATA_BYTES,
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
      return takeFindings()
    },
  }
}
