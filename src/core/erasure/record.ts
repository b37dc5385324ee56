import type { BackingIndex } from '../backing-index.ts'
import type { MemoryType } from '../memory.ts'
import type { Person } from './person.ts'
import type { Plan, PlannedPart } from './plan.ts'
import type { Checkpoint, Witness } from './store.ts'

/** `running`: the clusters delete, or are being asked to stop. */
export type ErasureState = 'planned' | 'running' | 'verifying' | 'done' | 'failed' | 'cancelled'

export interface ErasureTask extends Checkpoint {
  /** The cluster's id of it; absent before it was started, where it was lost, and where its part goes page by page. */
  readonly task?: string
  /** The place of the last memory that a page had; absent before the first one. */
  readonly after?: string
  readonly deleted: number
  readonly isDone: boolean
  /** How often it ended without having done its work; of pages, in a row. */
  readonly failures: number
}

export interface ErasurePart {
  readonly cluster: string
  readonly container: string
  readonly type: MemoryType
  readonly index: BackingIndex
  readonly total: number
  readonly deleted: number
  readonly state: 'planned' | 'running' | 'done' | 'failed' | 'cancelled'
  readonly tasks: readonly ErasureTask[]
  /** See {@link PlannedPart}. Absent: it goes page by page. */
  readonly stay?: readonly string[]
  readonly witnesses: readonly Witness[]
}

/** An erasure as it is kept: all that another gateway needs to go on with it. */
export interface ErasureRecord {
  readonly id: string
  readonly subject: string
  readonly issuer?: string
  readonly person: Person
  readonly state: ErasureState
  /** ISO 8601. */
  readonly createdAt: string
  readonly updatedAt: string
  readonly appliedAt?: string
  readonly hash: string
  readonly total: number
  readonly deleted: number
  readonly containers: number
  readonly indices: number
  readonly parts: readonly ErasurePart[]
  /** The gateway that goes on with it; empty where any may. */
  readonly driver?: string
  /** Somebody wants it to stop. */
  readonly isCancelling?: true
  readonly receipt?: string
  readonly reason?: string
}

/** What is asked for. */
export interface ErasureRequest {
  readonly subject: string
  readonly issuer?: string
  readonly namespace?: Readonly<Record<string, string>>
}

export interface NewErasure {
  readonly id: string
  readonly at: string
  readonly request: ErasureRequest
  readonly person: Person
  readonly plan: Plan
  readonly hash: string
}

export function plannedRecord({ id, at, request, person, plan, hash }: NewErasure): ErasureRecord {
  const { subject, issuer } = request
  return {
    id,
    subject,
    ...(issuer === undefined ? {} : { issuer }),
    person,
    state: 'planned',
    createdAt: at,
    updatedAt: at,
    hash,
    ...countsOf(plan),
    deleted: 0,
  }
}

/** The same erasure by another plan: nothing of it has begun. */
export function replanned(record: ErasureRecord, plan: Plan, hash: string): ErasureRecord {
  return { ...record, hash, ...countsOf(plan) }
}

function countsOf({ parts, containers, indices }: Plan) {
  const total = parts.reduce((sum, part) => sum + part.total, 0)
  return { total, containers, indices, parts: parts.map(partOf) }
}

function partOf({ cluster, container, type, index, total, checkpoints, stay, witnesses }: PlannedPart): ErasurePart {
  const tasks = checkpoints.map((checkpoint) => ({ ...checkpoint, deleted: 0, isDone: false, failures: 0 }))
  const staying = stay === undefined ? {} : { stay }
  return { cluster, container, type, index, total, deleted: 0, state: 'planned', tasks, ...staying, witnesses }
}

export function isUnderWay({ state }: Pick<ErasureRecord, 'state'>): boolean {
  return state === 'running' || state === 'verifying'
}

/** The same with other parts, counted anew. */
export function withParts(record: ErasureRecord, parts: readonly ErasurePart[]): ErasureRecord {
  return { ...record, parts, deleted: parts.reduce((sum, part) => sum + part.deleted, 0) }
}

/** An erasure as its operator sees it. */
export type Erasure = Omit<
  ErasureRecord,
  'person' | 'appliedAt' | 'containers' | 'indices' | 'parts' | 'driver' | 'isCancelling'
> & {
  readonly namespace?: Readonly<Record<string, string>>
  readonly parts: readonly Omit<ErasurePart, 'tasks' | 'stay' | 'witnesses'>[]
}

export function erasureOf(record: ErasureRecord): Erasure {
  const { id, subject, issuer, person, state, createdAt, updatedAt, hash, total, deleted, parts, receipt, reason } =
    record
  return {
    id,
    subject,
    ...(issuer === undefined ? {} : { issuer }),
    ...(Object.keys(person.namespace).length === 0 ? {} : { namespace: person.namespace }),
    state,
    createdAt,
    updatedAt,
    hash,
    total,
    deleted,
    parts: parts.map(({ cluster, container, type, index, total: planned, deleted: gone, state: stands }) => ({
      cluster,
      container,
      type,
      index,
      total: planned,
      deleted: gone,
      state: stands,
    })),
    ...(receipt === undefined ? {} : { receipt }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/**
 * What a body asks to erase.
 * @returns what is wrong with it
 */
export function readErasureRequest(value: unknown): ErasureRequest | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object'
  const { subject, issuer, namespace, ...others } = value as Readonly<Record<string, unknown>>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) return `has the unknown key ${unknown.slice(0, 64)}`
  if (!isName(subject)) return 'must have a subject, a text of 1 to 512 characters'
  if (issuer !== undefined && !isName(issuer)) return 'may have an issuer, a text of 1 to 512 characters'
  const fields = namespace === undefined ? {} : readNamespace(namespace)
  if (fields === undefined) return 'may have a namespace, an object of up to 8 texts under names of fields'
  return {
    subject,
    ...(issuer === undefined ? {} : { issuer }),
    ...(Object.keys(fields).length === 0 ? {} : { namespace: fields }),
  }
}

const MAX_NAME = 512
const MAX_FIELDS = 8
/** A path of names; the one name that objects do not keep as any other is none. */
const FIELD = /^(?!__proto__$)[^.*\s]+(?:\.[^.*\s]+)*$/

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME && value.isWellFormed()
}

function readNamespace(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const fields = Object.entries(value as Readonly<Record<string, unknown>>)
  if (fields.length > MAX_FIELDS) return undefined
  if (!fields.every(([name, text]) => FIELD.test(name) && name.length <= 128 && isName(text))) return undefined
  return Object.fromEntries(fields) as Record<string, string>
}
