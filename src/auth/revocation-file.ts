import { constants } from 'node:fs'
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

import { readRevocations, withoutOver } from '../core/revocation.ts'
import type { RevocationStore } from '../core/revocation-store.ts'
import { codeOf } from './private-file.ts'

/** A deny list in a file, one JSON object a line, read by its content: whoever writes it may rename or relink. */
export function openRevocationFile(path: string): RevocationStore {
  let seen: string | undefined
  return {
    async read() {
      const text = await readFile(path, 'utf8')
      if (text === seen) return undefined
      const entries = readRevocations(text)
      seen = text
      return entries
    },
    async add(entry) {
      // Once more where the file was put anew meanwhile: twice is as once.
      while (!(await append(path, `${JSON.stringify(entry)}\n`)));
    },
    removeOver: (before) => removeOver(path, before),
  }
}

/** @returns whether the line stands in the file that has this name now */
async function append(path: string, line: string): Promise<boolean> {
  const file = await open(path, 'a+', 0o600)
  try {
    const { size } = await file.stat()
    // Somebody left the last line without its end.
    const isOpenEnded = size > 0 && (await readFrom(file, size - 1)) !== '\n'
    await file.appendFile(`${isOpenEnded ? '\n' : ''}${line}`)
    await file.sync()
    return (await file.stat()).ino === (await stat(path)).ino
  } finally {
    await file.close()
  }
}

/** A lock that is older was left by a gateway that died. */
const LOCK_HOLDS_MS = 60_000

/** Puts the file anew without what is over; of several gateways one at a time, and what others append meanwhile goes along. */
async function removeOver(path: string, before: number): Promise<void> {
  // A link stays one.
  const target = await realpath(path)
  const lock = `${target}.lock`
  if (!(await takeLock(lock))) return
  try {
    const old = await open(target, 'r')
    try {
      await replace(target, old, before)
    } finally {
      await old.close()
    }
  } finally {
    await rm(lock, { force: true })
  }
}

const APPENDED = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND

async function replace(target: string, old: FileHandle, before: number): Promise<void> {
  const text = await readFrom(old, 0)
  const kept = withoutOver(text, before)
  if (kept === text) return
  const temporary = `${target}.new`
  // To append to: as soon as it has its name others do so too.
  const file = await open(temporary, APPENDED, (await old.stat()).mode & 0o777)
  try {
    await file.writeFile(kept)
    await file.sync()
    await rename(temporary, target)
    // Who had opened it before the rename has written into the old one.
    await file.appendFile(await readFrom(old, Buffer.byteLength(text)))
    await file.sync()
  } finally {
    await file.close()
    await rm(temporary, { force: true })
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx', 0o600)).close()
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    const left = await stat(lock).catch(() => undefined)
    if (left !== undefined && Date.now() - left.mtimeMs > LOCK_HOLDS_MS) await rm(lock, { force: true })
    return false
  }
}

async function readFrom(file: FileHandle, position: number): Promise<string> {
  const { size } = await file.stat()
  const bytes = Buffer.alloc(Math.max(0, size - position))
  const { bytesRead } = await file.read(bytes, 0, bytes.length, position)
  return bytes.toString('utf8', 0, bytesRead)
}
