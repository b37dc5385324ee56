import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { devNull } from 'node:os'

import { collect, isCollecting } from './collected.ts'

// What gateways write into files (audit, deny list, key sets): taken where it is written, since a file may be renamed or gone when its gateway ends.

const WRITING = ['write', 'writeFile', 'appendFile'] as const
/** Node's files are the same for all suites of a process, which follow one another: the last one collects. */
const TAKE = Symbol.for('memory gateway: what is written into files')

/** The whole of a key file, as commands make one. */
const PRIVATE_KEY = /^\{"kty":[^{}]*"d":"[\w-]+"[^{}]*\}\s*$/

type Anything = (...args: unknown[]) => unknown
type Prototype = Record<(typeof WRITING)[number], Anything> & { [TAKE]?: (content: unknown) => void }

/** From now on what this process writes into files that it has opened is collected. */
export async function collectFiles(): Promise<void> {
  if (!isCollecting()) return
  const prototype = await prototypeOfFiles()
  const isTapped = prototype[TAKE] !== undefined
  prototype[TAKE] = (content) => {
    if (!(typeof content === 'string' || content instanceof Uint8Array)) return
    const text = Buffer.from(content).toString()
    if (!PRIVATE_KEY.test(text)) collect('file', text)
  }
  if (isTapped) return
  for (const name of WRITING) {
    const write = prototype[name]
    prototype[name] = function (this: unknown, ...args: unknown[]) {
      prototype[TAKE]?.(args[0])
      return write.apply(this, args)
    }
  }
}

async function prototypeOfFiles(): Promise<Prototype> {
  const file: FileHandle = await open(devNull)
  await file.close()
  return Object.getPrototypeOf(file) as Prototype
}
