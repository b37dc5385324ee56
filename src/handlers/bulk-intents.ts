import type { AuditItem } from '../core/audit/event.ts'
import { GatewayError } from '../core/failure.ts'
import type { OnBulkAction } from '../core/guard/bodies/scan-bulk.ts'
import type { Named } from '../core/guard/named-indices.ts'
import { indexOf } from '../core/guard/removal.ts'
import type { Removal } from '../core/guard/removal.ts'
import type { Audit, AuditedEnd, AuditTrail } from './audit-trail.ts'
import { reachesProtected, requestLineOf, worded } from './audited-removal.ts'
import type { ExpectedLine } from './bulk-outcomes.ts'
import type { Admitted } from './exchange.ts'
import type { Guard } from './guard-settings.ts'

/** Lines that one record holds at most, and about as much of their text. */
const MAX_LINES = 250
const MAX_CHARACTERS = 32_768
/** Indices that a record names, and as many as are remembered of a body. */
const MAX_RECORDED = 20
const MAX_REMEMBERED = 1_000

const ALL: Named = { kind: 'all', byAbsence: true }

/** A line that deletes, or may, at its position among all lines of metadata. */
interface DeleteLine extends ExpectedLine {
  readonly named: Named
  readonly routing: string | undefined
  /** An update, whose script may delete. */
  readonly isScript: boolean
}

interface IntentParts {
  readonly audit: Audit
  readonly guard: Guard
  readonly exchange: Admitted
  readonly removal: Removal
  /** Lines whose intent is written; none where they could not be read. */
  readonly onIntended: (trail: AuditTrail, lines: readonly ExpectedLine[]) => void
}

/** The intents of a body's lines; as many lines are held as one record has, and what came with them in one piece. */
export interface BulkIntents {
  readonly add: OnBulkAction
  /** What follows cannot be told for what it is, and may delete anything. */
  readonly stopReading: () => void
  /** Writes a record where there are enough lines for one. @throws GatewayError auditUnavailable */
  readonly recordMany: () => Promise<void> | undefined
  /** @throws GatewayError auditUnavailable */
  readonly recordAll: () => Promise<void>
  /** Records lines that have no intent yet as refused. */
  readonly refuse: (error: unknown) => Promise<void>
}

export function openBulkIntents({ audit, guard, exchange, removal, onIntended }: IntentParts): BulkIntents {
  const reaches = rememberReach(guard, exchange)
  let held: DeleteLine[] = []
  let characters = 0
  let read = 0
  let isUnread = false

  const takeHeld = (): readonly DeleteLine[] => {
    const taken = held
    held = []
    characters = 0
    return taken
  }
  const begin = (named: readonly Named[], items?: readonly AuditItem[]): AuditTrail => {
    const indices = [...new Set(named.flatMap((one) => worded(one) ?? ['_all']))].slice(0, MAX_RECORDED)
    return audit.begin(exchange, { action: removal.action, ...requestLineOf(exchange), indices, items })
  }
  async function record(lines: readonly DeleteLine[]): Promise<void> {
    const reaching = await filterReaching(lines, reaches)
    if (reaching.length === 0) return
    const items = reaching.map((line) => itemOf(line, guard))
    const named = lines.map((line) => line.named)
    try {
      const trail = begin(named)
      await trail.intend({ rule: 'opensearch:admin', items, total: lines.length })
      onIntended(trail, reaching)
    } catch (error) {
      begin(named, items).end(refusedBy(error))
      throw error
    }
  }
  async function recordHeld(): Promise<void> {
    const lines = takeHeld()
    for (let from = 0; from < lines.length; from += MAX_LINES) await record(lines.slice(from, from + MAX_LINES))
  }
  return {
    add({ hasSource, index, id, routing = removal.routing }, isScript) {
      const position = read++
      if (hasSource && !isScript) return
      held.push({ position, id, routing, isScript, named: index === undefined ? removal.named : only(index) })
      characters += (index?.length ?? 0) + (id?.length ?? 0) + (routing?.length ?? 0)
    },
    stopReading: () => (isUnread = true),
    recordMany: () => (held.length >= MAX_LINES || characters >= MAX_CHARACTERS ? recordHeld() : undefined),
    async recordAll() {
      await recordHeld()
      if (!isUnread || !(await reaches(ALL))) return
      const trail = begin([ALL])
      await trail.intend({ rule: 'opensearch:admin' })
      onIntended(trail, [])
    },
    async refuse(error) {
      const reaching = await filterReaching(takeHeld().slice(0, MAX_LINES), reaches)
      if (reaching.length === 0) return
      const items = reaching.map((line) => itemOf(line, guard))
      begin(reaching.map(({ named }) => named), items).end(refusedBy(error)) // prettier-ignore
    },
  }
}

/** What ended a request of which the server has run nothing. */
export function refusedBy(error: unknown): AuditedEnd {
  return { result: 'failure', outcome: error instanceof GatewayError ? error.code : 'internal' }
}

function only(index: string): Named {
  return { kind: 'list', expressions: [index] }
}

type Reaches = (named: Named) => Promise<boolean>

/** Many lines name the same few indices. */
function rememberReach(guard: Guard, exchange: Admitted): Reaches {
  const known = new Map<string, Promise<boolean>>()
  return (named) => {
    const key = named.kind === 'list' ? JSON.stringify(named.expressions) : named.kind
    const before = known.get(key)
    if (before !== undefined) return before
    if (known.size >= MAX_REMEMBERED) known.clear()
    const asked = reachesProtected(guard, exchange, named)
    known.set(key, asked)
    return asked
  }
}

async function filterReaching(lines: readonly DeleteLine[], reaches: Reaches): Promise<readonly DeleteLine[]> {
  const reaching: DeleteLine[] = []
  for (const line of lines) if (await reaches(line.named)) reaching.push(line)
  return reaching
}

/** By its own name the next start can look for it. */
function itemOf({ named, id, routing, isScript }: DeleteLine, { policy }: Guard): AuditItem {
  const index = indexOf(named, policy.protection)
  return {
    ...(index === undefined ? { named: (worded(named) ?? ['_all']).join(',') } : { index }),
    id,
    routing,
    ...(isScript && { script: true }),
  }
}
