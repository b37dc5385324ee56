import { createReadStream, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { endCollecting, FINDS, FOLDER, SAID, SAID_TO_READERS } from './collected.ts'
import { describeFind, findsIn, forbiddenBy, plantersOf } from './planted.ts'

export interface Scanned {
  /** Lines in which something planted was found. */
  readonly finds: readonly string[]
  /** How many were looked at, by what they are. */
  readonly lines: Readonly<Record<string, number>>
}

/** Looks through what was collected, which is gone afterwards. `undefined` where nothing is collected, or another project of the run has looked. */
export async function scanCollected(): Promise<Scanned | undefined> {
  const folder = process.env[FOLDER]
  if (folder === undefined) return undefined
  endCollecting()
  const names = readdirSync(folder)
  const linesOf = async function* (suffix: string): AsyncGenerator<string> {
    for (const name of names.filter((one) => one.endsWith(suffix))) {
      yield* createInterface({ input: createReadStream(join(folder, name)) })
    }
  }
  const { toNobody, toReadersOnly } = forbiddenBy(plantersOf(names), folder)
  const finds: string[] = []
  for await (const line of linesOf(FINDS)) finds.push(line)
  const lines: Record<string, number> = {}
  for (const [suffix, forbidden] of [
    [SAID, toReadersOnly],
    [SAID_TO_READERS, toNobody],
  ] as const) {
    for await (const line of linesOf(suffix)) {
      const from = /^\[([^\]]*)\]/.exec(line)?.[1] ?? ''
      const [kind = ''] = from.split(' ')
      if (line !== '') lines[kind] = (lines[kind] ?? 0) + 1
      for (const find of findsIn(line, forbidden)) finds.push(describeFind(find, from, line))
    }
  }
  rmSync(folder, { recursive: true, force: true })
  return { lines, finds }
}
