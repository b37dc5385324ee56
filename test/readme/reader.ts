import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { collect, collectDemo, collectStream } from '../support/collected.ts'
import { fits } from './read-blocks.ts'
import type { Block, Step } from './read-blocks.ts'

/** Somebody who pastes the page's blocks, from the first to the last: into one shell, and into terminals of their own where the page says so. */
export interface Reader {
  /** Resolves with what a step printed. Throws when a command fails, or prints something else than the page shows. */
  follow(step: Step): Promise<string>
  /** Ctrl-C in every terminal, in the order in which they were opened, the last first; resolves when all have ended. */
  leave(): Promise<void>
}

interface Place {
  /** Where the page's commands are run. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** For the blocks and what they print. */
  readonly scratch: string
}

interface Terminal {
  readonly shell: ChildProcess
  readonly ended: Promise<unknown>
  /** The file of what it says on stderr. */
  readonly err: string
}

/** No step may take longer: enough to download a server. */
export const STEP_MS = 300_000

export function openReader({ folder, env, scratch }: Place): Reader {
  const shell = spawn('bash', ['--noprofile', '--norc', '-e'], {
    cwd: folder,
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  })
  const shellEnded = once(shell, 'exit')
  const terminals: Terminal[] = []

  const inShell = async ({ block, shown }: Step): Promise<string> => {
    const { file, out, err } = place(scratch, block)
    const done = `done ${String(block.line)}`
    const answered = new Promise<boolean>((resolve) => {
      shell.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes(`${done}\n`)) resolve(true)
      })
      void shellEnded.then(() => resolve(false))
      AbortSignal.timeout(STEP_MS).addEventListener('abort', () => resolve(false))
    })
    shell.stdin.write(`{ . '${file}'; } </dev/null >'${out}' 2>'${err}'\necho '${done}'\n`)
    const good = await answered
    const printed = readFileSync(out, 'utf8')
    collectDemo(`${printed}\n${readFileSync(err, 'utf8')}`, 'readme')
    if (!good) throw new Error(`${say(block)} failed, or did not end:\n${printed}${readFileSync(err, 'utf8')}`)
    if (shown !== undefined && !fits(shown.text, printed)) throw new Error(differs(block, shown, printed))
    return printed
  }

  const inTerminal = async ({ block, shown }: Step): Promise<string> => {
    const { file, out, err } = place(scratch, block)
    const command = `{ . '${file}'; } </dev/null 2>'${err}'`
    const terminal = spawn('bash', ['--noprofile', '--norc', '-e', '-c', command], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    const ended = once(terminal, 'exit')
    terminals.push({ shell: terminal, ended, err })
    let printed = ''
    // The local cluster tells its reader the password of its user, who exists for that.
    if (!block.text.includes('npm run -s opensearch')) collectStream('log', terminal.stdout)
    const good = await new Promise<boolean>((resolve) => {
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        writeFileSync(out, printed)
        if (fits(shown?.text ?? '', printed)) resolve(true)
      })
      void ended.then(() => resolve(false))
      AbortSignal.timeout(STEP_MS).addEventListener('abort', () => resolve(false))
    })
    if (!good) throw new Error(`${differs(block, shown, printed)}\n${readFileSync(err, 'utf8')}`)
    return printed
  }

  let stuck: string | undefined
  return {
    async follow(step) {
      // Nobody goes on after a step that went wrong.
      if (stuck !== undefined) throw new Error(`not tried: ${stuck} went wrong`)
      stuck = `line ${String(step.block.line)}`
      const printed = await (step.where === 'terminal' ? inTerminal(step) : inShell(step))
      stuck = undefined
      return printed
    },
    async leave() {
      shell.stdin.end()
      signal(shell, 'SIGKILL')
      await shellEnded
      for (const { shell: terminal, ended, err } of terminals.reverse()) {
        signal(terminal, 'SIGINT')
        const killer = setTimeout(() => signal(terminal, 'SIGKILL'), 20_000)
        await ended
        clearTimeout(killer)
        collect('log', readFileSync(err, 'utf8'))
      }
    },
  }
}

/** To all of its process group, as a terminal does on Ctrl-C. */
function signal({ pid, exitCode, signalCode }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, name)
}

function place(scratch: string, block: Block): { file: string; out: string; err: string } {
  const of = (extension: string): string => join(scratch, `line-${String(block.line)}.${extension}`)
  const files = { file: of('sh'), out: of('out'), err: of('err') }
  writeFileSync(files.file, `${block.text}\n`)
  writeFileSync(files.out, '')
  writeFileSync(files.err, '')
  return files
}

const say = ({ line, text }: Block): string => `the block of line ${String(line)}\n${text}\n`

function differs(block: Block, shown: Block | undefined, printed: string): string {
  return `${say(block)} printed\n${printed}\nwhere the page shows\n${shown?.text ?? ''}`
}
