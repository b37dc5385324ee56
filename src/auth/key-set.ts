import { LRUCache } from 'lru-cache'
import type { CryptoKey } from 'jose'
import { GatewayError } from '../core/failure.ts'
import type { AuthEvent, IssuerOptions, KeyCacheOptions, KeySetHealth } from './issuer.ts'
import { readSavedKeySet, saveKeySet } from './key-set-disk.ts'
import type { KeySetSource } from './key-set-source.ts'
import { describeError } from './private-file.ts'
import { refuse } from './refusal.ts'
import type { JsonObject } from '../core/strict-json.ts'
import { importVerificationKey, selectKey } from './verification-key.ts'

export interface FoundKey {
  readonly key: CryptoKey | Uint8Array
  /** Changes whenever the set of keys does: what was verified with another version is to be verified again. */
  readonly version: number
}

/** The keys of one issuer. */
export interface KeySet {
  start(): Promise<void>
  /** Throws the refusal of a check, or `keysUnavailable` when only the source could tell and it does not answer. */
  find(algorithm: string, keyId: string | undefined): Promise<FoundKey>
  /** Whether a verification made with this version still counts; has an ageing set fetched, as `find` does. */
  stands(version: number): boolean
  health(): KeySetHealth
  close(): void
}

interface Snapshot {
  readonly keys: readonly JsonObject[]
  readonly text: string
  /** When the fetch began, so that a set is never taken for newer than it is. */
  readonly fetchedAt: number
  readonly imported: Map<string, Promise<CryptoKey>>
}

interface KeySetParts {
  readonly issuer: Pick<IssuerOptions, 'issuer' | 'cache'>
  readonly source: KeySetSource
  readonly now: () => number
  readonly onEvent: (event: AuthEvent) => void
}

const REMEMBERED_ABSENT = 1000
// Long enough that a client with a dead key costs next to nothing; short enough that a key id that an attacker guessed
// before it was published works soon after.
const ABSENT_FOR_COOLDOWNS = 10
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A key set that is read from its source again and again, and outlives rotation and outages within the bounds of `cache`. */
export class FetchedKeySet implements KeySet {
  readonly #parts: KeySetParts
  readonly #cache: KeyCacheOptions
  /** Key ids that a fetch did not bring, and until when that is believed. */
  readonly #absent = new LRUCache<string, number>({ max: REMEMBERED_ABSENT })
  #current: Snapshot | undefined
  #version = 0
  #attemptedAt: number | undefined
  #underWay: Promise<void> | undefined
  /** Of the last attempt; `undefined` when it went well. */
  #lastError: string | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(parts: KeySetParts) {
    this.#parts = parts
    this.#cache = parts.issuer.cache
  }

  async start(): Promise<void> {
    if (this.#cache.diskPath !== undefined) await this.#readDiskCopy(this.#cache.diskPath)
    await (this.#underWay ?? this.#attempt())
    if (this.#parts.source.mustWorkAtStart && this.#lastError !== undefined) {
      throw new Error(`The keys of issuer ${this.#parts.issuer.issuer} cannot be used: ${this.#lastError}`)
    }
  }

  async find(algorithm: string, keyId: string | undefined): Promise<FoundKey> {
    if (this.#isDue()) await this.#renew(this.#age() >= this.#cache.maxAgeMs)
    const known = await this.#select(algorithm, keyId)
    if (known !== undefined) return known
    if (!this.#isAbsent(keyId)) await this.#lookAgain(keyId)
    const found = await this.#select(algorithm, keyId)
    if (found !== undefined) return found
    // Whether the key exists is known to a source that does not answer.
    if (this.#lastError !== undefined) throw this.#unavailable()
    // check: key-unknown
    throw refuse('key-unknown')
  }

  stands(version: number): boolean {
    if (this.#isDue()) void this.#renew(false)
    return version === this.#version && this.#usable() !== undefined
  }

  health(): KeySetHealth {
    return {
      issuer: this.#parts.issuer.issuer,
      usable: this.#usable() !== undefined,
      fetchedAt: this.#current?.fetchedAt,
      keys: this.#current?.keys.length ?? 0,
      lastError: this.#lastError,
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#parts.source.close()
  }

  async #select(algorithm: string, keyId: string | undefined): Promise<FoundKey | undefined> {
    const set = this.#usable()
    if (set === undefined) throw this.#unavailable()
    const jwk = selectKey(set.keys, algorithm, keyId)
    if (jwk === undefined) return undefined
    const version = this.#version
    const name = `${algorithm} ${set.keys.indexOf(jwk)}`
    const imported = set.imported.get(name) ?? importVerificationKey(jwk, algorithm)
    set.imported.set(name, imported)
    return { key: await imported, version }
  }

  /** The current set, unless it is too old: beyond its maximum age only while the source is down, and not for ever. */
  #usable(): Snapshot | undefined {
    const limit = this.#cache.maxAgeMs + (this.#lastError === undefined ? 0 : this.#cache.staleForMs)
    // check: set-age
    if (this.#age() >= limit) return undefined
    return this.#current
  }

  /** Milliseconds since the set was fetched; a set from the future, after the clock was put back, counts as too old. */
  #age(): number {
    const age = this.#parts.now() - (this.#current?.fetchedAt ?? -Infinity)
    return age >= 0 ? age : Infinity
  }

  #isDue(): boolean {
    return this.#age() >= this.#cache.maxAgeMs - this.#cache.refreshBeforeMs
  }

  #cooldownLeft(): number {
    const elapsed = this.#parts.now() - (this.#attemptedAt ?? -Infinity)
    return elapsed >= 0 ? Math.max(0, this.#cache.cooldownMs - elapsed) : 0
  }

  /** Starts an attempt unless one is under way, which is joined, or the cooldown runs. Tells whether one was waited for. */
  async #renew(wait: boolean): Promise<boolean> {
    // check: set-cooldown
    if (this.#underWay === undefined && this.#cooldownLeft() > 0) return false
    const attempt = this.#underWay ?? this.#attempt()
    // After a failure nobody waits for the next attempt: a dead source would cost each caller the whole timeout.
    if (!wait || this.#lastError !== undefined) return false
    await attempt
    return true
  }

  async #lookAgain(keyId: string | undefined): Promise<void> {
    const fetched = await this.#renew(true)
    const absent = fetched && this.#lastError === undefined
    if (absent) this.#absent.set(keyId ?? '', this.#parts.now() + this.#cache.cooldownMs * ABSENT_FOR_COOLDOWNS)
  }

  #isAbsent(keyId: string | undefined): boolean {
    return (this.#absent.get(keyId ?? '') ?? -Infinity) > this.#parts.now()
  }

  #attempt(): Promise<void> {
    const startedAt = this.#parts.now()
    this.#attemptedAt = startedAt
    this.#underWay = this.#load(startedAt).finally(() => {
      this.#underWay = undefined
      this.#schedule()
    })
    return this.#underWay
  }

  /** Never rejects: a failure is kept for those who ask. */
  async #load(startedAt: number): Promise<void> {
    const { issuer, source, onEvent } = this.#parts
    try {
      const keys = await source.load()
      if (this.#closed) return
      this.#lastError = undefined
      const changed = this.#adopt(keys, startedAt)
      onEvent({ kind: 'keysFetched', issuer: issuer.issuer, keys: keys.length, changed })
    } catch (error) {
      if (this.#closed) return
      this.#lastError = describeError(error)
      const usable = this.#usable() !== undefined
      onEvent({ kind: 'keysNotFetched', issuer: issuer.issuer, error: this.#lastError, usable })
      return
    }
    if (this.#cache.diskPath !== undefined) await this.#saveDiskCopy(this.#cache.diskPath)
  }

  /** Takes the keys over; tells whether they are others than before. */
  #adopt(keys: readonly JsonObject[], fetchedAt: number): boolean {
    const text = JSON.stringify(keys)
    const before = this.#current
    if (before?.text === text) {
      this.#current = { ...before, fetchedAt }
      return false
    }
    this.#current = { keys, text, fetchedAt, imported: new Map() }
    this.#version += 1
    this.#absent.clear()
    return true
  }

  /** The next attempt comes by itself, so that an idle gateway has fresh keys too, and finds out when a source is back. */
  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    const untilDue = this.#cache.maxAgeMs - this.#cache.refreshBeforeMs - this.#age()
    const wait = Math.max(this.#lastError === undefined ? untilDue : 0, this.#cooldownLeft(), 1)
    this.#timer = setTimeout(() => this.#tick(), Math.min(wait, LONGEST_TIMER_MS)).unref()
  }

  #tick(): void {
    if (this.#isDue()) void this.#renew(false)
    // A timer may be a little early for the clock: nothing was started, so the next one is set here.
    if (this.#underWay === undefined) this.#schedule()
  }

  #unavailable(): GatewayError {
    const retryAfterSeconds = Math.max(1, Math.ceil(this.#cooldownLeft() / 1000))
    return new GatewayError('keysUnavailable', { retryAfterSeconds, cause: this.#lastError })
  }

  async #readDiskCopy(path: string): Promise<void> {
    const { issuer, onEvent } = this.#parts
    try {
      const saved = await readSavedKeySet(path, this.#copyOf(), this.#cache.maxKeys)
      if (saved === undefined) return
      this.#adopt(saved.keys, saved.fetchedAt)
      onEvent({ kind: 'keysReadFromDisk', issuer: issuer.issuer, keys: saved.keys.length, fetchedAt: saved.fetchedAt })
    } catch (error) {
      onEvent({ kind: 'diskCopyFailed', issuer: issuer.issuer, error: describeError(error) })
    }
  }

  async #saveDiskCopy(path: string): Promise<void> {
    const { issuer, onEvent } = this.#parts
    if (this.#current === undefined) return
    try {
      await saveKeySet(path, this.#copyOf(), this.#current)
    } catch (error) {
      onEvent({ kind: 'diskCopyFailed', issuer: issuer.issuer, error: describeError(error) })
    }
  }

  #copyOf() {
    return { issuer: this.#parts.issuer.issuer, source: this.#parts.source.name }
  }
}
