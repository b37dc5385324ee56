import { readFile } from 'node:fs/promises'
import { parseDocument, readKeys } from './parse-key-set.ts'
import { codeOf, forbiddenMode, replaceFile } from './private-file.ts'
import { member } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'

/** A key set as it was fetched at a time (milliseconds since 1970). */
export interface SavedKeySet {
  readonly fetchedAt: number
  readonly keys: readonly JsonObject[]
}

/** What a copy must match to be of use: that of another issuer or source is as good as none. */
interface CopyOf {
  readonly issuer: string
  readonly source: string
}

/** Replaces the copy; readable by the gateway's own user only. */
export async function saveKeySet(path: string, of: CopyOf, set: SavedKeySet): Promise<void> {
  await replaceFile(path, JSON.stringify({ ...of, fetchedAt: set.fetchedAt, keys: set.keys }), 0o600)
}

/**
 * Reads a copy back, as carefully as if it came from the network; `undefined` when there is none. Throws an `Error` that
 * says why a copy is not used. How old it is, is for the caller to judge.
 */
export async function readSavedKeySet(path: string, of: CopyOf, maxKeys: number): Promise<SavedKeySet | undefined> {
  const content = await readIfThere(path)
  if (content === undefined) return undefined
  const mode = await forbiddenMode(path, 0o022)
  // Who can write this file can sign tokens.
  // check: disk-mode
  if (mode !== undefined) throw new Error(`${path} can be written by others (mode ${mode})`)
  const document = parseDocument(content)
  // check: disk-origin
  if (document['issuer'] !== of.issuer || document['source'] !== of.source)
    throw new Error(`${path} is of another issuer`)
  const fetchedAt = member(document, 'fetchedAt')
  if (typeof fetchedAt !== 'number') throw new Error(`${path} does not say when it was fetched`)
  return { fetchedAt, keys: readKeys(document, maxKeys) }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
