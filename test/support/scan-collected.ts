import { createReadStream, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { RECEIPT_TYPE } from '../../src/auth/receipt-keys.ts'
import { FOLDER, MEMORY_TEXT, SAID, SAID_TO_READERS } from './collected.ts'

/** How the header of every JWT begins: {"alg": {"typ": {"kid": */
const TOKEN = /eyJ(?:hbGciOi|0eXAiOi|raWQiOi)[\w-]*/
/** Lines in which something planted was found; and how much was looked at. What was collected is gone afterwards. */
export async function scanCollected(): Promise<{ readonly finds: readonly string[]; readonly lines: number }> {
  const folder = process.env[FOLDER]
  if (folder === undefined) return { finds: [], lines: 0 }
  const filesOf = (suffix: string): readonly string[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith(suffix))
      .map((name) => join(folder, name))
  const planted = filesOf('.planted').flatMap((path) => readFileSync(path, 'utf8').trimEnd().split('\n'))
  const secrets = [...new Set(planted)].map((line) => escape(JSON.parse(line) as string))
  const toNobody = new RegExp([TOKEN.source, ...secrets].join('|'), 'g')
  const toReadersOnly = new RegExp([toNobody.source, escape(MEMORY_TEXT)].join('|'), 'g')
  const finds: string[] = []
  let lines = 0
  for (const [suffix, pattern] of [
    [SAID, toReadersOnly],
    [SAID_TO_READERS, toNobody],
  ] as const) {
    for (const path of filesOf(suffix)) {
      for await (const line of createInterface({ input: createReadStream(path) })) {
        lines += 1
        const found = [...line.matchAll(pattern)].find(([text]) => !isReceipt(text))
        if (found !== undefined) {
          finds.push(`${found[0]} in: ${line.slice(Math.max(0, found.index - 200), found.index + 200)}`)
        }
      }
    }
  }
  rmSync(folder, { recursive: true, force: true })
  return { lines, finds }
}

/** Receipts are signed as tokens are, and given to callers on purpose. */
function isReceipt(text: string): boolean {
  return TOKEN.test(text) && Buffer.from(text, 'base64url').includes(`"typ":"${RECEIPT_TYPE}"`)
}

const escape = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
