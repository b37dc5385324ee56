import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import type { RunFolders } from './server-settings.ts'
import type { Nobody } from './unprivileged.ts'

export interface ServerProcess {
  readonly pid: number
  /** Settles when the process has ended, with what it ended by. */
  readonly ended: Promise<string>
  hasEnded(): boolean
  /** Kills it as it stands; its folder stays. */
  kill(): Promise<void>
  /** Kills it and removes its folder. */
  stop(): Promise<void>
}

/**
 * Starts a program as the user nobody when this process is root's, with its output in a file. It does not outlive this
 * process: it is stopped when this one exits or is told to, and on Linux the kernel kills it when this one is killed.
 * (There it ends with the *thread* that started it: do not call this from a worker thread.)
 */
export async function startProcess(
  program: string,
  args: readonly string[],
  folders: RunFolders,
  nobody: Nobody | undefined,
): Promise<ServerProcess> {
  const [command = program, ...rest] = [...dyingWithParent(), program, ...args]
  const log = openSync(folders.log, 'a', 0o644)
  const child = spawn(command, rest, {
    ...nobody,
    cwd: folders.temporary,
    stdio: ['ignore', log, log],
    // Of a process group of its own, or Ctrl-C in a terminal would end it before those who still talk to it.
    detached: true,
    // Nothing of the caller's environment: JAVA_TOOL_OPTIONS and the like would change the server.
    env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', HOME: folders.temporary },
  })
  closeSync(log)
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `code ${String(code)}`}`))
  })
  await once(child, 'spawn')
  const forget = stopWithThisProcess(child, folders.root)
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  const stop = async () => {
    // Not asked to end in peace: its data is thrown away, and a 2.x takes more than ten seconds over it.
    await kill()
    rmSync(folders.root, { recursive: true, force: true })
    forget()
  }
  let stopping: Promise<void> | undefined
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  return { pid: child.pid ?? 0, ended, hasEnded, kill, stop: () => (stopping ??= stop()) }
}

/** The last lines of a log without the frames of its stack traces, for an error message. */
export function lastLines(log: string, count = 15): string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  return lines
    .filter((line) => !/^\s+(at|\.\.\.) /.test(line))
    .slice(-count)
    .join('\n')
}

/** Of util-linux; busybox's cannot do it. */
const SETPRIV = 'setpriv'

/** setpriv sets the death signal and becomes the program: the process number stays. Nothing where there is no setpriv. */
function dyingWithParent(): string[] {
  try {
    const help = execFileSync(SETPRIV, ['--help'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return help.includes('--pdeathsig') ? [SETPRIV, '--pdeathsig', 'KILL'] : []
  } catch {
    return []
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function stopWithThisProcess(child: ChildProcess, folder: string): () => void {
  const kill = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const onSignal = (signal: NodeJS.Signals) => {
    // Whoever else listens has work to finish first, perhaps with this server; their exit ends it.
    if (process.listeners(signal).some((listener) => !ours.has(listener))) return
    kill()
    forget()
    process.kill(process.pid, signal)
  }
  const forget = () => {
    process.off('exit', kill)
    for (const signal of SIGNALS) process.off(signal, onSignal)
    ours.delete(onSignal)
  }
  process.on('exit', kill)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  ours.add(onSignal)
  return forget
}

const ours = new Set<unknown>()
