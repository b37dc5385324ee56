import { mkdtempSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

// What gateways said in a whole run of tests (logs, answers, spans, what the ops port shows), which is looked through at its end (scan-collected.ts).

/** Set for all workers of a run; without it nothing is collected. */
export const FOLDER = 'TEST_COLLECTED'
/** Who has started a gateway that is a process of its own, and has told it its secrets. */
export const PLANTER = 'TEST_PLANTER'
/** How spans are collected of a gateway in a process of its own, if they are. */
export const SPANS = 'TEST_SPANS'
/** A part of every memory that tests store through `putMemory`. */
export const MEMORY_TEXT = 'planted-text-of-a-memory'
export const SAID = '.said'
export const SAID_TO_READERS = '.said-to-readers'
/** Of what was too long to be kept, and was looked through when it was said. */
export const FINDS = '.finds'

/** By path. */
const files = new Map<string, number>()

/** Begins with a run; projects of one run share what is collected. */
export function beginCollecting(): void {
  process.env[FOLDER] ??= mkdtempSync(join(tmpdir(), 'memory-gateway-collected-'))
}

export function endCollecting(): void {
  delete process.env['TEST_COLLECTED']
}

export function isCollecting(): boolean {
  return process.env[FOLDER] !== undefined
}

/**
 * Has a gateway in a process of its own collect what it answers, and its spans.
 * @param how `by NODE_OPTIONS` where it is not started by the test itself
 */
export function collectingInChild(how?: 'by NODE_OPTIONS'): {
  readonly flags: readonly string[]
  readonly env: NodeJS.ProcessEnv
} {
  if (!isCollecting()) return { flags: [], env: {} }
  const flags = ['--import', join(import.meta.dirname, 'collect-of-gateways.js')]
  const options = how === undefined ? {} : { NODE_OPTIONS: flags.map((flag) => JSON.stringify(flag)).join(' ') }
  return { flags, env: { [FOLDER]: process.env[FOLDER], [PLANTER]: String(process.pid), ...options } }
}

/**
 * @param from what it is, for whoever reads of a find
 * @param said whether it may hold the text of memories, as what their own caller has asked for does
 */
export function collect(from: string, text: string, said?: 'may hold memories'): void {
  if (text !== '') append(said === undefined ? SAID : SAID_TO_READERS, text.replaceAll(/^(?=.)/gm, `[${from}] `))
}

/** Something that was found in what is not collected, or that could not be looked at. */
export function collectFind(find: string): void {
  append(FINDS, find.replaceAll(/[\r\n]+/g, ' '))
}

function append(suffix: string, text: string): void {
  const folder = process.env[FOLDER]
  if (folder === undefined) return
  const path = join(folder, `${String(process.pid)}${suffix}`)
  const file = files.get(path) ?? openSync(path, 'a')
  files.set(path, file)
  writeSync(file, text.replace(/\n?$/, '\n'))
}

/** Like {@link collect}, for what a program prints. */
export function collectStream(from: string, stream: Readable | null): void {
  const decoder = new StringDecoder()
  let rest = ''
  stream?.on('data', (chunk: string | Buffer) => {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk)
    const end = rest.lastIndexOf('\n') + 1
    collect(from, rest.slice(0, end))
    rest = rest.slice(end)
  })
  stream?.once('close', () => collect(from, rest))
}

/** Documents that gateways write for themselves, before their index is removed; there may be none. */
export async function collectDocuments(
  index: string,
  ask: (method: string, path: string) => Promise<unknown>,
): Promise<void> {
  if (!isCollecting()) return
  const path = `/${index}/_search?size=1000&ignore_unavailable=true`
  const found = await ask('POST', `/${index}/_refresh?ignore_unavailable=true`).then(() => ask('GET', path))
  collect('documents', JSON.stringify(found))
}

/** What was printed by the demo, among others, but for the token that it gives to who tries it. */
export function collectDemo(printed: string, from = 'demo'): void {
  collect(from, printed.replaceAll(/^(A token of alice.*\n|  TOKEN=)eyJ\S+$/gm, '$1'))
}

/** Has a gateway's ops port say all that it has to say, at the gateway's end. */
export async function askOps(opsUrl: string, token: string | undefined): Promise<void> {
  if (!isCollecting()) return
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const origin = opsUrl.replace('0.0.0.0', '127.0.0.1')
  const paths = ['/metrics', '/readyz', '/config', '/status', '/activity', '/decisions']
  const ask = async (path: string): Promise<void> => {
    const response = await fetch(origin + path, { headers, signal: AbortSignal.timeout(2_000) })
    collect(`ops ${path}`, await response.text())
  }
  await Promise.allSettled(paths.map(ask))
}
