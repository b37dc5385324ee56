import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { GatewayError } from '../../../src/core/failure.ts'
import { createLog, openStdout } from '../../../src/ops/log.ts'

const ACCESS = { requestId: 'r', method: 'GET', path: '/', route: 'passThrough', status: 200, durationMs: 1 }

test('the failures of one turn are written together, and before the next turn ends', async () => {
  const events: string[] = []
  const log = createLog('info', {
    write: (line) => void events.push((JSON.parse(line) as { code?: string }).code ?? 'access'),
    flush: () => void events.push('flush'),
  })
  for (let at = 0; at < 3; at++) log.failure('r', new GatewayError('overloaded'))
  log.access(ACCESS)
  await new Promise(setImmediate)
  log.access(ACCESS)
  await new Promise(setImmediate)
  log.failure('r', new GatewayError('overloaded'))
  await new Promise(setImmediate)
  expect(events).toEqual([...Array<string>(3).fill('overloaded'), 'access', 'flush', 'access', 'overloaded', 'flush'])
})

test('a reader that hangs takes no more than its share of memory; what it missed is counted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-log-'))
  const pipe = join(folder, 'stdout')
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    let read = ''
    reader.stdout.setEncoding('utf8').on('data', (chunk: string) => (read += chunk))
    // Opened once the reader has opened it too.
    const destination = openStdout({ fd: openSync(pipe, 'w'), maxLength: 100_000 })
    reader.kill('SIGSTOP')
    const log = createLog('info', destination)
    const lines = 5_000
    for (let at = 0; at < lines; at++) log.access(ACCESS)
    reader.kill('SIGCONT')
    const notice = /\{[^{}]*"lines":(\d+)[^{}]*dropped[^{}]*\}\n/
    while (!notice.test(read)) await once(reader.stdout, 'data')
    destination.end()
    await once(reader, 'close')
    const missed = Number(notice.exec(read)?.[1])
    expect(missed).toBeGreaterThan(lines / 2)
    expect(read.split('\n').filter((line) => line.includes('"durationMs"')).length + missed).toBe(lines)
  } finally {
    reader.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
})

test.each([100_000, 16_777_216])(
  'a process that ends while nobody reads leaves no line untold (%d bytes may wait)',
  async (maxLength) => {
    const lines = 5_000
    const script = join(import.meta.dirname, '../../support/log-and-exit.ts')
    const child = spawn(process.execPath, [script, String(lines), String(maxLength)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // Read only when all of it was logged.
    await once(child.stderr, 'data')
    let read = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) read += String(chunk)
    const told = [...read.matchAll(/"lines":(\d+)[^{}]*dropped/g)].map(([, count]) => Number(count))
    const missed = told.reduce((sum, count) => sum + count, 0)
    expect(missed > 0).toBe(maxLength === 100_000)
    expect(read.split('\n').filter((line) => line.includes('"durationMs"')).length + missed).toBe(lines)
  },
)
