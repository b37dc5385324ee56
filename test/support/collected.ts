import { appendFileSync, mkdtempSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// What gateways said in a whole run of tests (logs, refusals, what the ops port answers), and what nobody is to find in it (scan-collected.ts).

/** Set for all workers of a run; without it nothing is collected. */
export const FOLDER = 'TEST_COLLECTED'
/** A part of every memory that tests store through `putMemory`. */
export const MEMORY_TEXT = 'planted-text-of-a-memory'
export const SAID = '.said'
export const SAID_TO_READERS = '.said-to-readers'
/** Shorter ones are words that stand in logs for other reasons. */
const SHORTEST = 8

/** By path. */
const files = new Map<string, number>()

export function beginCollecting(): void {
  process.env[FOLDER] = mkdtempSync(join(tmpdir(), 'memory-gateway-collected-'))
}

export function isCollecting(): boolean {
  return process.env[FOLDER] !== undefined
}

/**
 * @param from what it is, for whoever reads of a find
 * @param said whether it may hold the text of memories, as what their own caller has asked for does
 */
export function collect(from: string, text: string, said?: 'may hold memories'): void {
  const folder = process.env[FOLDER]
  if (folder === undefined || text === '') return
  const path = join(folder, `${String(process.pid)}${said === undefined ? SAID : SAID_TO_READERS}`)
  const file = files.get(path) ?? openSync(path, 'a')
  files.set(path, file)
  writeSync(file, text.replaceAll(/^(?=.)/gm, `[${from}] `).replace(/\n?$/, '\n'))
}

/** Like {@link collect}, for chunks of a stream that may be cut anywhere. */
export function collectLines(from: string): (chunk: string) => void {
  let rest = ''
  return (chunk) => {
    rest += chunk
    const end = rest.lastIndexOf('\n') + 1
    collect(from, rest.slice(0, end))
    rest = rest.slice(end)
  }
}

/** A secret of the tests, which no gateway may ever say. */
export function plant(secret: string): string {
  const folder = process.env[FOLDER]
  if (folder !== undefined && secret.length >= SHORTEST) {
    appendFileSync(join(folder, `${String(process.pid)}.planted`), `${JSON.stringify(secret)}\n`)
  }
  return secret
}

/** Has a gateway's ops port say all that it has to say, at the gateway's end. */
export async function askOps(opsUrl: string, token: string | undefined): Promise<void> {
  if (!isCollecting()) return
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const origin = opsUrl.replace('0.0.0.0', '127.0.0.1')
  for (const path of ['/metrics', '/readyz', '/config']) {
    await fetch(origin + path, { headers, signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.text(),
      () => '',
    )
  }
}
