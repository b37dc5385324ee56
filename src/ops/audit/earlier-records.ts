import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

import { readRecord } from '../../core/audit/chain.ts'
import type { AuditFields, Hash, ReadRecord } from '../../core/audit/chain.ts'

/** Rotated files are read this long after their last change: an intent is not left open for longer than the gateway is down. */
const LOOK_BACK_MS = 7 * 86_400_000
const TAIL_BYTES = 2_097_152

/** The file and those that it was rotated into, oldest first; compressed ones are left out. */
async function filesOf(path: string): Promise<readonly string[]> {
  const folder = dirname(path)
  const names = (await readdir(folder)).filter(
    (name) => name.startsWith(basename(path)) && name !== basename(path) && !/\.(?:gz|xz|zst|bz2)$/.test(name),
  )
  const rotated = await Promise.all(
    names.map(async (name) => {
      const at = join(folder, name)
      const found = await stat(at)
      return { at, isFile: found.isFile(), changed: found.mtimeMs }
    }),
  )
  const recent = rotated.filter(({ isFile, changed }) => isFile && changed > Date.now() - LOOK_BACK_MS)
  return [...recent.sort((a, b) => a.changed - b.changed).map(({ at }) => at), path]
}

/** The last record of a writer, in the file or in the newest that it was rotated into. */
export async function readLastRecord(path: string, writer: string, hash: Hash): Promise<ReadRecord | undefined> {
  for (const file of (await filesOf(path)).slice(-2).reverse()) {
    const lines = await readTail(file)
    for (const line of lines.reverse()) {
      const record = readRecord(line, hash)
      if (record?.isIntact === true && record.writer === writer) return record
    }
  }
  return undefined
}

async function readTail(path: string): Promise<string[]> {
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return []
  try {
    const { size } = await file.stat()
    const bytes = Math.min(size, TAIL_BYTES)
    const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, size - bytes)
    return buffer.toString('utf8').split('\n')
  } finally {
    await file.close()
  }
}

/** A delete whose last word is an intent, or that nobody knows what came of it. */
export interface OpenDelete {
  readonly eventId: string
  readonly intents: readonly AuditFields[]
}

/** The deletes of a writer's earlier starts that have no outcome. */
export async function readOpenDeletes(
  path: string,
  { writer, start }: { readonly writer: string; readonly start: string },
): Promise<readonly OpenDelete[]> {
  const open = new Map<string, AuditFields[]>()
  for (const file of await filesOf(path)) {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const eventId = /"event\.id":"([^"]+)"/.exec(line)?.[1]
      const phase = /"memory\.phase":"(\w+)"/.exec(line)?.[1]
      if (eventId === undefined || phase === undefined) continue
      if (phase === 'intent') {
        const fields = parse(line)
        if (fields?.['agent.id'] !== writer || fields['agent.ephemeral_id'] === start) continue
        // Whichever gateway goes on with it records what came of it.
        if (fields['event.action'] === 'erase-person') continue
        open.set(eventId, [...(open.get(eventId) ?? []), fields])
      } else if (!line.includes('"event.outcome":"unknown"') || phase === 'settled') open.delete(eventId)
    }
  }
  return [...open].map(([eventId, intents]) => ({ eventId, intents }))
}

function parse(line: string): AuditFields | undefined {
  try {
    return JSON.parse(line) as AuditFields
  } catch {
    return undefined
  }
}
