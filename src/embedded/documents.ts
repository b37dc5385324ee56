import { randomBytes } from 'node:crypto'

import { parseDocument } from './document-parser.ts'
import { versionConflict } from './errors.ts'
import type { IndexSettings } from './index-settings.ts'
import { refreshIntervalOf, replicasOf } from './index-settings.ts'
import type { JsonObject } from './json-values.ts'
import { fields } from './json-values.ts'
import type { ObjectMapping } from './mapping.ts'

/** One version of a document. */
export interface StoredDocument {
  readonly id: string
  readonly version: number
  readonly seqNo: number
  readonly routing: string | undefined
  /** As it was sent. */
  readonly source: string
  readonly root: JsonObject
}

/** What a write is made under: `if_seq_no` and `if_primary_term`. */
export interface WriteCondition {
  readonly seqNo: bigint
  readonly primaryTerm: bigint
}

export interface WriteResult {
  readonly id: string
  readonly version: number
  readonly seqNo: number
  readonly result: 'created' | 'updated' | 'deleted' | 'not_found' | 'noop'
}

interface Tombstone {
  readonly version: number
  readonly at: number
}

/** A primary never moves here, so its term stays the first. */
export const PRIMARY_TERM = 1

// The server forgets the version of a deleted document after this time (index.gc_deletes).
const TOMBSTONE_MILLISECONDS = 60_000
const MAX_TOMBSTONES = 100_000

/** One index: its documents as they are, and as of the last refresh. */
export class DocumentIndex {
  readonly name: string
  readonly uuid = randomBytes(16).toString('base64url')
  readonly createdAt = Date.now()
  readonly settings: IndexSettings
  mapping: ObjectMapping
  /** Writes since the index was created, those that found nothing to delete included. */
  operations = 0
  readonly #current = new Map<string, StoredDocument>()
  readonly #tombstones = new Map<string, Tombstone>()
  readonly #visible = new Map<string, StoredDocument>()
  #changed = new Set<string>()
  #waiting: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(name: string, settings: IndexSettings, mapping: ObjectMapping) {
    this.name = name
    this.settings = settings
    this.mapping = mapping
  }

  get size(): number {
    return this.#current.size
  }

  /** How many documents a search sees. */
  get visibleSize(): number {
    return this.#visible.size
  }

  /** Copies that the index asks for, and those that there are. */
  get shards(): JsonObject {
    return fields({ total: 1 + replicasOf(this.settings), successful: 1, failed: 0 })
  }

  /** Reads in real time, or as of the last refresh. */
  get(id: string, realtime: boolean): StoredDocument | undefined {
    return (realtime ? this.#current : this.#visible).get(id)
  }

  /** The documents that a search sees, in the order in which they were last written. */
  visible(): Iterable<StoredDocument> {
    return this.#visible.values()
  }

  /** Stores a document. Throws on malformed JSON, on a value that contradicts the mapping, and on a conflict. */
  put(
    id: string,
    bytes: Buffer,
    options: { routing?: string | undefined; create: boolean; condition?: WriteCondition | undefined },
  ): WriteResult {
    const { root, mapping } = parseDocument(bytes, id, this.mapping)
    this.mapping = mapping
    const known = this.#current.get(id)
    if (options.condition !== undefined) this.#check(id, options.condition)
    if (options.create && known !== undefined) {
      throw versionConflict(this, id, `document already exists (current version [${known.version}])`)
    }
    const version = this.#nextVersion(id)
    const document = {
      id,
      version,
      seqNo: this.#advance(id),
      routing: options.routing,
      source: bytes.toString('utf8'),
      root,
    }
    this.#tombstones.delete(id)
    this.#current.set(id, document)
    return { id, version, seqNo: document.seqNo, result: known === undefined ? 'created' : 'updated' }
  }

  /** Deletes a document, or counts the attempt where there is none. Throws on a conflict. */
  delete(id: string, condition: WriteCondition | undefined): WriteResult {
    if (condition !== undefined) this.#check(id, condition)
    const version = this.#nextVersion(id)
    const seqNo = this.#advance(id)
    const found = this.#current.delete(id)
    this.#tombstones.delete(id)
    this.#tombstones.set(id, { version, at: Date.now() })
    if (this.#tombstones.size > MAX_TOMBSTONES) this.#forgetTombstones()
    return { id, version, seqNo, result: found ? 'deleted' : 'not_found' }
  }

  /** Makes every write so far visible to searches. */
  refresh(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const id of this.#changed) {
      this.#visible.delete(id)
      const document = this.#current.get(id)
      if (document !== undefined) this.#visible.set(id, document)
    }
    this.#changed = new Set()
    this.#forgetTombstones()
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  /** Settles when what is written now is visible. */
  async refreshed(): Promise<void> {
    if (this.#changed.size > 0) await new Promise<void>((resume) => this.#waiting.push(resume))
  }

  /** Stops the timer and lets go whoever waits for it. */
  close(): void {
    this.#changed = new Set()
    this.refresh()
  }

  #check(id: string, condition: WriteCondition): void {
    const required = `required seqNo [${condition.seqNo}], primary term [${condition.primaryTerm}].`
    const known = this.#current.get(id)
    if (known === undefined) throw versionConflict(this, id, `${required} but no document was found`)
    if (BigInt(known.seqNo) === condition.seqNo && condition.primaryTerm === BigInt(PRIMARY_TERM)) return
    const found = `current document has seqNo [${known.seqNo}] and primary term [${PRIMARY_TERM}]`
    throw versionConflict(this, id, `${required} ${found}`)
  }

  #nextVersion(id: string): number {
    return (this.#current.get(id)?.version ?? this.#tombstones.get(id)?.version ?? 0) + 1
  }

  /** Takes the next sequence number for a write, and sees to it that the write becomes visible. */
  #advance(id: string): number {
    // Moved to the end, so that a refresh applies writes in their order.
    this.#changed.delete(id)
    this.#changed.add(id)
    const interval = refreshIntervalOf(this.settings)
    if (interval !== undefined) this.#timer ??= setTimeout(() => this.refresh(), interval).unref()
    this.operations += 1
    return this.operations - 1
  }

  #forgetTombstones(): void {
    const oldest = Date.now() - TOMBSTONE_MILLISECONDS
    for (const [id, tombstone] of this.#tombstones) {
      if (tombstone.at > oldest && this.#tombstones.size <= MAX_TOMBSTONES) return
      this.#tombstones.delete(id)
    }
  }
}
