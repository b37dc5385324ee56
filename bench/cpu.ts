import { readFileSync } from 'node:fs'

// Linux counts CPU time in ticks of 10 ms (USER_HZ, proc(5)).
const MICROSECONDS_A_TICK = 10_000

/** User and system time of a process so far, in microseconds, by the operating system's account. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  // The command name may hold spaces; the fields after it are 14 and 15, counted from 1.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_A_TICK
}

/** Of a process at the moment, in MiB. */
export function residentMiB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}
