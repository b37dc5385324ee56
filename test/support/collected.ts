import {
  appendFileSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { FILE_SETTINGS } from '../../src/config/file-settings.ts'
import type { ConfigFile } from '../../src/config/schema.ts'
import { mapValues } from '../../src/config/walk.ts'

// What gateways said in a whole run of tests (logs, refusals, what the ops port answers), and what nobody is to find in it.

/** Set for all workers of a run; without it nothing is collected. */
const FOLDER = 'TEST_COLLECTED'
/** A part of every memory that tests store through `putMemory`. */
export const MEMORY_TEXT = 'planted-text-of-a-memory'
/** How the header of every JWT begins: {"alg": {"typ": {"kid": */
const TOKEN = /eyJ(?:hbGciOi|0eXAiOi|raWQiOi)[\w-]*/
/** Shorter ones are words that stand in logs for other reasons. */
const SHORTEST = 8

const gateways = new Set<string>()
let file: number | undefined

export function beginCollecting(): void {
  process.env[FOLDER] = mkdtempSync(join(tmpdir(), 'memory-gateway-collected-'))
}

/** @param from what it is, for whoever reads of a find */
export function collect(from: string, text: string): void {
  const folder = process.env[FOLDER]
  if (folder === undefined || text === '') return
  file ??= openSync(join(folder, `${String(process.pid)}.said`), 'a')
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

/** Plants every password, token and key of a configuration. */
export function plantSecretsOf(config: ConfigFile): void {
  mapValues(config, (value, { setting }) => {
    const isKey = FILE_SETTINGS[setting] === 'content' && setting.endsWith('.key')
    if (typeof value !== 'string' || value.startsWith('file:')) return value
    if (FILE_SETTINGS[setting]?.endsWith('secret') === true) plant(value)
    if (isKey) plant(value.split('\n')[1] ?? '')
    return value
  })
}

/** From now on what is answered there is a gateway's. */
export function answersOf(origin: string): void {
  gateways.add(origin)
}

/** Refusals, with their headers: an answer of 200 may hold a memory that its caller asked for. */
export function collectAnswer(origin: string, status: number, headers: readonly string[], body: string): void {
  if (status >= 400 && gateways.has(origin)) collect(`answer ${String(status)}`, `${headers.join(' ')} ${body}`)
}

/** What a gateway's ops port says at its end. */
export async function collectOps(opsUrl: string, token: string | undefined): Promise<void> {
  if (process.env[FOLDER] === undefined) return
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  for (const path of ['/metrics', '/readyz', '/config']) {
    const text = await fetch(opsUrl.replace('0.0.0.0', '127.0.0.1') + path, { headers }).then(
      (response) => response.text(),
      () => '',
    )
    collect(path, text)
  }
}

/** Lines in which something planted was found; and how much was looked at. What was collected is gone afterwards. */
export async function scanCollected(): Promise<{ readonly finds: readonly string[]; readonly lines: number }> {
  const folder = process.env[FOLDER]
  if (folder === undefined) return { finds: [], lines: 0 }
  const files = (suffix: string): readonly string[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith(suffix))
      .map((name) => join(folder, name))
  const planted = files('.planted').flatMap((path) => readFileSync(path, 'utf8').trimEnd().split('\n'))
  const secrets = new Set([MEMORY_TEXT, ...planted.map((line) => JSON.parse(line) as string)])
  const pattern = new RegExp([TOKEN.source, ...[...secrets].map(escape)].join('|'))
  const finds: string[] = []
  let lines = 0
  for (const path of files('.said')) {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      lines += 1
      const found = pattern.exec(line)
      if (found !== null) finds.push(`${found[0]} in: ${line.slice(Math.max(0, found.index - 200), found.index + 200)}`)
    }
  }
  rmSync(folder, { recursive: true, force: true })
  return { lines, finds }
}

const escape = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
