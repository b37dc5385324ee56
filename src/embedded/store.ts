import { DocumentIndex } from './documents.ts'
import { indexNotFound, invalidIndexName, StoreError } from './errors.ts'
import { nameFailure } from './index-names.ts'
import type { IndexSettings } from './index-settings.ts'
import type { ObjectMapping } from './mapping.ts'
import { EMPTY_MAPPING } from './mapping.ts'

const MAX_DOCUMENTS = 100_000

/** How a list of index names treats those that are not there. */
export interface IndicesOptions {
  readonly ignoreUnavailable: boolean
  readonly allowNoIndices: boolean
}

/** All indices of one server. Kept in memory only. */
export class Store {
  readonly #indices = new Map<string, DocumentIndex>()

  /** Creates an index. Throws where the name is not valid or taken. */
  create(name: string, settings: IndexSettings = new Map(), mapping: ObjectMapping = EMPTY_MAPPING): DocumentIndex {
    const failure = nameFailure(name) ?? this.#takenFailure(name)
    if (failure !== undefined) throw failure
    const index = new DocumentIndex(name, settings, mapping)
    this.#indices.set(name, index)
    return index
  }

  drop(index: DocumentIndex): void {
    index.close()
    this.#indices.delete(index.name)
  }

  find(name: string): DocumentIndex | undefined {
    return this.#indices.get(name)
  }

  /** The one index of a document request: the name is never a pattern. */
  require(name: string): DocumentIndex {
    const index = this.find(name)
    if (index === undefined) throw indexNotFound(name, 'index_expression')
    return index
  }

  /** The index of a write, created where it is not there. */
  requireOrCreate(name: string): DocumentIndex {
    return this.find(name) ?? this.create(name)
  }

  /** The indices that a comma-separated list of names and patterns means, by name. */
  resolve(expression: string, options: IndicesOptions): DocumentIndex[] {
    const found = new Set<DocumentIndex>()
    for (const part of expression.split(',')) {
      if (part.startsWith('_') && part !== '_all') throw invalidIndexName(part, "must not start with '_'.")
      const matches = this.#matching(part)
      const isPattern = part.includes('*') || part === '_all'
      const missing = isPattern ? !options.allowNoIndices : !options.ignoreUnavailable
      if (matches.length === 0 && missing) throw indexNotFound(part, 'index_or_alias')
      for (const index of matches) found.add(index)
    }
    return [...found].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Throws where the store is full and the id is a new one. */
  checkRoom(index: DocumentIndex, id: string): void {
    if (index.get(id, true) !== undefined) return
    const total = [...this.#indices.values()].reduce((sum, { size }) => sum + size, 0)
    if (total < MAX_DOCUMENTS) return
    const reason = `The embedded store holds at most ${MAX_DOCUMENTS} documents`
    throw new StoreError(429, { type: 'rejected_execution_exception', reason })
  }

  close(): void {
    for (const index of this.#indices.values()) index.close()
  }

  #takenFailure(name: string): StoreError | undefined {
    const taken = this.find(name)
    if (taken === undefined) return undefined
    const reason = `index [${name}/${taken.uuid}] already exists`
    const details = { index: name, index_uuid: taken.uuid }
    return new StoreError(400, { type: 'resource_already_exists_exception', reason, details })
  }

  #matching(part: string): DocumentIndex[] {
    if (part === '_all') return [...this.#indices.values()]
    if (!part.includes('*')) return [this.find(part)].filter((index) => index !== undefined)
    const pieces = part.split('*').map((piece) => piece.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'))
    const pattern = new RegExp(`^${pieces.join('.*')}$`)
    return [...this.#indices.values()].filter(({ name }) => pattern.test(name))
  }
}
