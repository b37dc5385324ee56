import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { CHECKPOINT_TYPE, RECEIPT_TYPE } from '../../src/auth/receipt-keys.ts'
import { FOLDER, MEMORY_TEXT, PLANTER } from './collected.ts'

// What nobody is to find in what gateways say.

const PLANTED = '.planted'
/** Shorter ones are words that stand in logs for other reasons. */
const SHORTEST = 8
/** How the header of every JWT begins: {"alg": {"typ": {"kid": */
const TOKEN = /eyJ(?:hbGciOi|0eXAiOi|raWQiOi)[\w-]*/
/** Of the head of a statement's signature, by which it is told from a token, there is less. */
const LONGEST_HEAD = 1_024

/** A secret of the tests, which no gateway may ever say. */
export function plant(secret: string): string {
  const folder = process.env[FOLDER]
  if (folder !== undefined && secret.length >= SHORTEST) {
    appendFileSync(plantedBy(process.pid, folder), `${JSON.stringify(secret)}\n`)
  }
  return secret
}

/** What may not stand in a text, by who the text is for. */
export interface Forbidden {
  readonly toNobody: RegExp
  /** What its reader has asked for may hold memories. */
  readonly toReadersOnly: RegExp
  /** No find is longer, as far as it takes to be one. */
  readonly longest: number
}

/** @param processes whose plants count */
export function forbiddenBy(processes: readonly number[], folder: string): Forbidden {
  const paths = processes.map((pid) => plantedBy(pid, folder)).filter((path) => existsSync(path))
  const lines = paths.flatMap((path) => readFileSync(path, 'utf8').trimEnd().split('\n'))
  const secrets = [...new Set(lines)].map((line) => JSON.parse(line) as string)
  const toNobody = [TOKEN.source, ...secrets.map(escape)].join('|')
  return {
    toNobody: new RegExp(toNobody, 'g'),
    toReadersOnly: new RegExp(`${toNobody}|${escape(MEMORY_TEXT)}`, 'g'),
    longest: Math.max(LONGEST_HEAD, ...secrets.map(({ length }) => length)),
  }
}

let here: (Forbidden & { readonly planted: string }) | undefined

/** For what is looked at where it is said. A gateway that is a process of its own was told its secrets by the one that started it. */
export function forbiddenHere(): Forbidden {
  const folder = process.env[FOLDER] ?? ''
  const processes = [process.pid, Number(process.env[PLANTER] ?? process.pid)]
  const sizes = processes.map((pid) => statSync(plantedBy(pid, folder), { throwIfNoEntry: false })?.size)
  const planted = `${folder} ${sizes.join(' ')}`
  if (here?.planted !== planted) here = { ...forbiddenBy(processes, folder), planted }
  return here
}

const plantedBy = (pid: number, folder: string): string => join(folder, `${String(pid)}${PLANTED}`)

/** The processes that planted anything. */
export function plantersOf(names: readonly string[]): readonly number[] {
  return names.filter((name) => name.endsWith(PLANTED)).map((name) => Number.parseInt(name, 10))
}

export interface Find {
  readonly found: string
  readonly at: number
}

/** What of it stands in the text. Receipts and the audit's checkpoints are signed as tokens are, and are there to be read. */
export function* findsIn(text: string, forbidden: RegExp): Generator<Find> {
  for (const { 0: found, index } of text.matchAll(forbidden)) if (!isStatement(found)) yield { found, at: index }
}

/** A find for whoever has to find out where it came from. */
export function describeFind({ found, at }: Find, from: string, text: string): string {
  return `[${from}] ${found} in: ${text.slice(Math.max(0, at - 200), at + 200)}`
}

const STATEMENTS = [RECEIPT_TYPE, CHECKPOINT_TYPE].map((type) => `"typ":"${type}"`)

function isStatement(text: string): boolean {
  if (!TOKEN.test(text)) return false
  const head = Buffer.from(text, 'base64url')
  return STATEMENTS.some((type) => head.includes(type))
}

const escape = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
