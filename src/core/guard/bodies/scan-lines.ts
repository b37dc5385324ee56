import type { BodyScanner, Finding } from './finding.ts'
import { LineCutter } from './line-cutter.ts'
import type { LineReader } from './line-cutter.ts'

/** How the lines of one kind of body are read. */
export interface LinesReader extends Pick<LineReader, 'next' | 'onLine'> {
  readonly onPart?: LineReader['onPart']
  readonly onSkipped?: LineReader['onSkipped']
  /** All lines are read. */
  readonly onEnd?: () => void
}

/** What a reader says of the lines that it reads. */
export interface LinesReport {
  readonly found: (...findings: readonly Finding[]) => void
  /** This line cannot be told for what it is, and so neither can those after it: they are not read. */
  readonly giveUp: (why: string, line: number) => void
}

/** A scanner for a body of lines. */
export function scanLines(maxHeldBytes: number, open: (report: LinesReport) => LinesReader): BodyScanner {
  let findings: Finding[] = []
  const reader = open({
    found: (...more) => void findings.push(...more),
    giveUp(why, line) {
      findings.push({ kind: 'unreadable', line, why })
      cutter.stop()
    },
  })
  const cutter = new LineCutter(
    {
      next: reader.next,
      onLine: reader.onLine,
      onPart: (part) => reader.onPart?.(part),
      onSkipped: () => reader.onSkipped?.(),
      onTooLong: (line, bytes) => findings.push({ kind: 'tooLong', line, bytes }),
    },
    maxHeldBytes,
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
      reader.onEnd?.()
      return takeFindings()
    },
  }
}
