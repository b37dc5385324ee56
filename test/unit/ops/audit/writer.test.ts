import { hash as hashOf } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'

import { verifyAudit } from '../../../../src/core/audit/verify.ts'
import type { AuditReport } from '../../../../src/core/audit/verify.ts'
import { openFileSink } from '../../../../src/ops/audit/file-sink.ts'
import { readAuditFile } from '../../../../src/ops/audit/read-file.ts'
import { WriteFailure } from '../../../../src/ops/audit/sink.ts'
import type { AuditSink } from '../../../../src/ops/audit/sink.ts'
import { openAuditWriter } from '../../../../src/ops/audit/writer.ts'
import type { AuditWriter, AuditWriterEvent, AuditWriterOptions } from '../../../../src/ops/audit/writer.ts'
import { until } from '../../../support/until.ts'

const sha256 = (text: string): string => hashOf('sha256', text, 'base64url')

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-gateway-audit-'))
  path = join(folder, 'audit.log')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A sink in memory, whose writes are held back, or fail after some bytes, as long as a test wants. */
function memorySink() {
  const state = {
    text: '',
    writes: 0,
    failAfter: undefined as number | undefined,
    hold: undefined as Promise<void> | undefined,
  }
  const sink: AuditSink = {
    async write(text) {
      state.writes += 1
      await state.hold
      if (state.failAfter === undefined) state.text += text
      else {
        const bytes = Buffer.from(text).subarray(0, state.failAfter)
        // As a file does: what comes next begins a line.
        state.text += bytes.length === 0 ? '' : `${bytes.toString()}${bytes.at(-1) === 0x0a ? '' : '\n'}`
        throw new WriteFailure(bytes.length, new Error('ENOSPC'))
      }
    },
    reopen: () => undefined,
    close: () => Promise.resolve(),
  }
  return { sink, state }
}

const events: AuditWriterEvent[] = []
function open(sink: AuditSink, options: Partial<AuditWriterOptions> = {}): AuditWriter {
  events.length = 0
  return openAuditWriter({
    sink,
    position: { writer: 'gateway-1', start: 'start-1', sequence: 0, previous: '' },
    hash: sha256,
    sign: undefined,
    isRequired: false,
    checkpoint: { records: 1_000, afterMs: 60_000 },
    timeoutMs: 10_000,
    maxWaiting: 1_000,
    opening: {},
    onEvent: (event) => void events.push(event),
    ...options,
  })
}

const lost = (): number => events.reduce((sum, event) => sum + (event.kind === 'lost' ? event.records : 0), 0)

async function* linesOf(text: string): AsyncGenerator<string> {
  for (const line of text.split('\n')) yield await Promise.resolve(line)
}

const verify = (text: string, isRunning = false): Promise<AuditReport> =>
  verifyAudit([{ name: 'audit', lines: linesOf(text) }], { hash: sha256, isRunning, isPartial: false })

const idsIn = (text: string): readonly unknown[] =>
  text
    .split('\n')
    .flatMap((line) =>
      line.startsWith('{') && line.endsWith('}') ? [(JSON.parse(line) as { 'memory.id'?: unknown })['memory.id']] : [],
    )

describe('records that wait together', () => {
  test('go in one write, and what comes meanwhile goes with the next', async () => {
    const { sink, state } = memorySink()
    let release: () => void = () => undefined
    state.hold = new Promise((resolve) => (release = resolve))
    const writer = open(sink)
    const first = writer.write({ 'memory.id': 'a' })
    await until(() => state.writes === 1)
    const others = Array.from({ length: 100 }, (_, number) => writer.write({ 'memory.id': String(number) }))
    release()
    await Promise.all([first, ...others])
    expect(state.writes).toBe(2)
    await writer.close()
    expect(await verify(state.text)).toMatchObject({ intact: true, records: 103 })
  })

  test('a signature comes after so many records, and at the end', async () => {
    const { sink, state } = memorySink()
    const writer = open(sink, {
      sign: ({ sequence }) => Promise.resolve(String(sequence)),
      checkpoint: { records: 3, afterMs: 60_000 },
    })
    for (let turn = 0; turn < 7; turn++) await writer.write({ 'memory.id': String(turn) })
    await writer.close()
    const signed = state.text
      .split('\n')
      .flatMap((line) => /"memory\.phase":"(\w+)".*"memory\.signature":"(\d+)"/.exec(line)?.slice(1, 3).join(' ') ?? [])
    expect(signed).toEqual(['opened 0', 'checkpoint 4', 'checkpoint 8', 'closed 10'])
  })

  test('a signature comes some time after the last record', async () => {
    const { sink, state } = memorySink()
    const writer = open(sink, { sign: () => Promise.resolve('signed'), checkpoint: { records: 1_000, afterMs: 1 } })
    await writer.write({ 'memory.id': 'a' })
    await until(() => state.text.includes('"checkpoint"'))
    await writer.close()
  })
})

describe('a sink that takes nothing', () => {
  test('ends deletes where the audit is required, at once, until it takes something again', async () => {
    const { sink, state } = memorySink()
    const writer = open(sink, { isRequired: true })
    await writer.write({ 'memory.id': 'a' })
    state.failAfter = 0
    await expect(writer.write({ 'memory.id': 'b' })).rejects.toThrow('cannot be written')
    const { writes } = state
    await expect(writer.write({ 'memory.id': 'c' })).rejects.toThrow('cannot be written')
    expect(state.writes).toBe(writes)
    expect(writer.health()).toEqual({ failing: true, waiting: 0 })
    // That it was refused is still to be told.
    writer.append({ 'memory.id': 'refusal of b' })
    state.failAfter = undefined
    await until(() => !writer.health().failing)
    await writer.write({ 'memory.id': 'd' })
    await writer.close()
    expect(idsIn(state.text).filter((id) => id !== undefined)).toEqual(['a', 'refusal of b', 'd'])
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['failed', 'recovered']))
    expect(await verify(state.text)).toMatchObject({ intact: true })
    expect(lost()).toBe(0)
  })

  test('stops no delete where the audit is not required; what does not fit among those that wait is lost, and counted', async () => {
    const { sink, state } = memorySink()
    const writer = open(sink, { maxWaiting: 10 })
    await writer.write({ 'memory.id': 'a' })
    state.failAfter = 0
    for (let turn = 0; turn < 25; turn++) await writer.write({ 'memory.id': String(turn) })
    expect(writer.health()).toEqual({ failing: true, waiting: 10 })
    expect(lost()).toBe(15)
    state.failAfter = undefined
    await until(() => !writer.health().failing)
    await writer.close()
    expect(idsIn(state.text)).toEqual([
      undefined,
      'a',
      ...Array.from({ length: 10 }, (_, number) => String(number)),
      undefined,
    ])
    expect(await verify(state.text)).toMatchObject({ intact: true })
  })

  test.each([1, 200, 500, 900, 100_000])(
    'that took %i bytes first: the chain goes on from what is there',
    async (bytes) => {
      const { sink, state } = memorySink()
      const writer = open(sink)
      await writer.write({ 'memory.id': 'a' })
      state.failAfter = bytes
      await Promise.all(['b', 'c', 'd'].map((id) => writer.write({ 'memory.id': id })))
      state.failAfter = undefined
      await until(() => !writer.health().failing)
      await writer.close()
      expect(await verify(state.text)).toMatchObject({ intact: true })
      expect(idsIn(state.text).filter((id) => id !== undefined)).toEqual(['a', 'b', 'c', 'd'])
    },
  )

  test('while nothing waits: it is tried again nevertheless', async () => {
    const { sink, state } = memorySink()
    const writer = open(sink, { isRequired: true })
    await writer.write({ 'memory.id': 'a' })
    state.failAfter = 0
    await expect(writer.write({ 'memory.id': 'b' })).rejects.toThrow('cannot be written')
    state.failAfter = undefined
    await until(() => !writer.health().failing)
    await writer.close()
    expect(await verify(state.text)).toMatchObject({ intact: true })
  })

  test('that never answers: an intent waits no longer than it may', async () => {
    const { sink, state } = memorySink()
    const writer = open(sink, { isRequired: true, timeoutMs: 20 })
    let release: () => void = () => undefined
    state.hold = new Promise((resolve) => (release = resolve))
    await expect(writer.write({ 'memory.id': 'a' })).rejects.toThrow('in time')
    release()
    await writer.close()
  })
})

describe('a file', () => {
  const read = async (paths: readonly string[]): Promise<AuditReport> =>
    verifyAudit(paths.map(readAuditFile), { hash: sha256, isRunning: false, isPartial: false })
  const failed = (error: unknown): void => {
    throw error
  }

  test.each(['always', 'never'] as const)("is the gateway user's alone, with fsync %s", async (kind) => {
    const writer = open(await openFileSink(path, { kind }, failed))
    await writer.write({ 'memory.id': 'a' })
    await writer.close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await read([path])).toMatchObject({ intact: true, records: 3 })
  })

  test('that was renamed is opened anew, and the chain goes on', async () => {
    const writer = open(await openFileSink(path, { kind: 'always' }, failed))
    await writer.write({ 'memory.id': 'a' })
    renameSync(path, `${path}.1`)
    writer.reopen()
    await writer.write({ 'memory.id': 'b' })
    await writer.close()
    expect(idsIn(readFileSync(`${path}.1`, 'utf8'))).toEqual([undefined, 'a'])
    expect(idsIn(readFileSync(path, 'utf8'))).toEqual(['b', undefined])
    expect(await read([path, `${path}.1`])).toMatchObject({ intact: true, chains: [{ first: 0, last: 3 }] })
    expect(await read([path])).toMatchObject({ intact: false, findings: [{ kind: 'missing', line: 1, sequence: 0 }] })
  })

  test('that was renamed without a word is found out', async () => {
    const writer = open(await openFileSink(path, { kind: 'interval', everyMs: 1 }, failed))
    await writer.write({ 'memory.id': 'a' })
    renameSync(path, `${path}.1`)
    await until(() => {
      writer.append({ 'memory.id': 'b' })
      return existsSync(path)
    })
    await writer.close()
    expect(await read([`${path}.1`, path])).toMatchObject({ intact: true })
  })

  test('that ends in half a line is gone on with in the next', async () => {
    writeFileSync(path, '{"half a line')
    const writer = open(await openFileSink(path, { kind: 'always' }, failed))
    await writer.close()
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('{"half a line')
    expect(await read([path])).toMatchObject({ intact: true, records: 2, otherLines: 1 })
  })

  test('of another folder than there is, cannot be opened', async () => {
    await expect(openFileSink(join(folder, 'nowhere/audit.log'), { kind: 'always' }, failed)).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})

test('a record that lists many counts for all of them where records wait, so that they do not fill the memory', async () => {
  const { sink, state } = memorySink()
  state.failAfter = 0
  const writer = open(sink, { maxWaiting: 10 })
  await until(() => writer.health().failing)
  const listing = (name: string) => ({ name, 'memory.refusals': Array.from({ length: 20 }, () => ({})) })
  writer.append(listing('first'))
  writer.append(listing('second'))
  writer.append({ name: 'third' })
  expect([writer.health().waiting, lost()]).toEqual([21, 21])
  state.failAfter = undefined
  await until(() => !writer.health().failing)
  await writer.close()
  expect(state.text.match(/"name":"\w+"/g)).toEqual(['"name":"first"'])
  expect(await verify(state.text)).toMatchObject({ intact: true })
})
