import { readActionLine } from './action-line.ts'
import type { ActionLine } from './action-line.ts'
import { readCommonActionLine } from './common-action-line.ts'
import type { BodyScanner, ScanLimits } from './finding.ts'
import { FirstNamings } from './first-namings.ts'
import type { NextLine } from './line-cutter.ts'
import { searchMember } from './member-search.ts'
import type { MemberSearch } from './member-search.ts'
import { parsePlainJson } from './plain-json.ts'
import { parseNumbersAsTexts } from '../../strict-json.ts'
import { scanLines } from './scan-lines.ts'

const SOURCE: NextLine = { kind: 'skip' }
const UPDATE: NextLine = { kind: 'scan' }

/**
 * Reads a `_bulk` body: lines of metadata are parsed, the source lines after them passed over up to their newline, whatever they hold. Lines
 * are told apart as the server does it (BulkRequestParser of OpenSearch 3.4.0): empty ones count for nothing where metadata is due, and a
 * line that is not understood ends the reading, since what follows could be either.
 * @param onAction hears of each line of metadata, of which the server's answer has one item each, in the same order; of an update when its source is read
 */
export function scanBulk({ lineBytes }: ScanLimits, onAction?: OnBulkAction): BodyScanner {
  const metadata: NextLine = { kind: 'read', maxBytes: lineBytes }
  return scanLines(lineBytes, ({ found, giveUp }) => {
    const namings = new FirstNamings()
    let isSourceNext = false
    let update: { readonly action: BulkAction; readonly search: MemberSearch } | undefined
    const sourceOf = (): NextLine => (update === undefined ? SOURCE : UPDATE)
    return {
      next: () => (isSourceNext ? sourceOf() : metadata),
      onPart: (part) => update?.search.push(part),
      onSkipped() {
        isSourceNext = false
        if (update !== undefined) onAction?.(update.action, update.search.mayHave())
        update = undefined
      },
      onLine(bytes, line) {
        const action = readCommonActionLine(bytes) ?? parseActionLine(bytes)
        if (action === undefined) return
        if (action.kind === 'unreadable') {
          giveUp(action.why, line)
          return
        }
        isSourceNext = action.hasSource
        if (onAction !== undefined && action.isUpdate) update = { action, search: searchMember('script') }
        else onAction?.(action, false)
        found(...(action.index === undefined ? namings.unnamed(line) : namings.named([action.index], line)))
        // An ingest pipeline may send the document to any index.
        if (action.hasPipeline) found({ kind: 'hidden', line, what: 'a pipeline' })
      },
    }
  })
}

/** A line of metadata that was understood. */
export type BulkAction = Extract<ActionLine, { kind: 'action' }>

/** @param mayHaveScript of an update: its source has a script, or what the server may take for one */
export type OnBulkAction = (action: BulkAction, mayHaveScript: boolean) => void

/** `undefined` for a line of nothing but white space. */
function parseActionLine(bytes: Uint8Array): ActionLine | undefined {
  const json = parsePlainJson(bytes)
  if (json.kind === 'empty') return undefined
  return json.kind === 'value' ? readActionLine(json.value, () => parseNumbersAsTexts(utf8.decode(bytes))) : json
}

const utf8 = new TextDecoder()
