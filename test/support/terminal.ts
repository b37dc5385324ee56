import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'

/** Of util-linux: runs a command as if somebody had typed it into a terminal. */
const SCRIPT = '/usr/bin/script'

/** Every Debian and Ubuntu has it: a machine that builds must. */
export const hasTerminal = process.env['CI'] !== undefined || existsSync(SCRIPT)

/** What the progress line writes before each text: back to the first column, and the line erased. */
export const CLEAR = '\r\u001b[2K'

interface Ended {
  readonly code: number
  /** All that it wrote, as the terminal got it: each line ends with \r\n. */
  readonly shown: string
}

interface Options {
  readonly env?: Readonly<Record<string, string>>
  /** Ctrl-C is pressed as soon as this was shown. */
  readonly untilShown?: string
}

/** Runs a program on a terminal of 80 columns. */
export async function runOnTerminal(command: readonly string[], { env = {}, untilShown }: Options): Promise<Ended> {
  const line = `stty cols 80; exec ${command.map((word) => `'${word}'`).join(' ')}`
  const child = spawn(SCRIPT, ['-qec', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environmentOfUsers(), TERM: 'xterm-256color', ...env },
  })
  const closed = once(child, 'close') as Promise<[number]>
  let shown = ''
  let isInterrupted = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    if (untilShown === undefined || isInterrupted || !shown.includes(untilShown)) return
    isInterrupted = true
    child.stdin.write('\u0003')
  })
  const [code] = await closed
  return { code, shown }
}

/** Without what says that this is a build, or how output is to look. */
export function environmentOfUsers(): Record<string, string | undefined> {
  const ours = ['CI', 'NO_COLOR', 'FORCE_COLOR', 'TERM']
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.includes(name)))
}
