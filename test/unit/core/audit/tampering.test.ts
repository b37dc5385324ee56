import { hash as hashOf } from 'node:crypto'

import { describe, expect, test } from '@jest/globals'

import { sealRecord } from '../../../../src/core/audit/chain.ts'
import type { AuditFields, ChainPosition, ChainStatement } from '../../../../src/core/audit/chain.ts'
import { verifyAudit } from '../../../../src/core/audit/verify.ts'
import type { AuditReport } from '../../../../src/core/audit/verify.ts'

const sha256 = (text: string): string => hashOf('sha256', text, 'base64url')

// A stand-in for a signature: nobody without the secret makes it. Real ones are in test/cluster/receipts.test.ts.
const sign = (statement: ChainStatement): string => {
  const text = JSON.stringify(statement)
  return `${Buffer.from(text).toString('base64url')}.${sha256(`secret ${text}`)}`
}
const verifySignature = (jws: string): Promise<unknown> => {
  const [payload = '', mac] = jws.split('.')
  const text = Buffer.from(payload, 'base64url').toString()
  return Promise.resolve(mac === sha256(`secret ${text}`) ? (JSON.parse(text) as unknown) : undefined)
}

const SIGNED = ['opened', 'checkpoint', 'closed']

interface Chain {
  readonly lines: readonly string[]
  readonly end: ChainPosition
}

/** A chain of records by their phases. */
function chainOf(phases: readonly string[], start = 'start-1', before?: Chain, writer = 'gateway-1'): Chain {
  const previous = before?.end.previous ?? ''
  let position: ChainPosition = { writer, start, sequence: 0, previous }
  const lines = phases.map((phase, number) => {
    const fields: AuditFields = {
      '@timestamp': `2026-11-22T0${start.slice(-1)}:00:00.000Z`,
      'memory.phase': phase,
      'memory.id': `m${String(number)}`,
      ...(phase === 'opened' && before !== undefined
        ? { 'memory.follows_start': before.end.start, 'memory.follows_sequence': before.end.sequence - 1 }
        : {}),
      ...(SIGNED.includes(phase) ? { 'memory.signature': sign(position) } : {}),
    }
    const sealed = sealRecord(fields, position, sha256)
    position = sealed.next
    return sealed.line.trimEnd()
  })
  return { lines, end: position }
}

async function* each(lines: readonly (string | undefined)[]): AsyncGenerator<string | undefined> {
  for (const line of lines) yield await Promise.resolve(line)
}

const OPTIONS = { hash: sha256, verifySignature, isRunning: false, isPartial: false }

function verify(
  files: readonly (readonly (string | undefined)[])[],
  options: { isRunning?: boolean; isPartial?: boolean; verifySignature?: undefined } = {},
): Promise<AuditReport> {
  const named = files.map((lines, number) => ({ name: `audit.${String(number)}`, lines: each(lines) }))
  return verifyAudit(named, { ...OPTIONS, ...options } as Parameters<typeof verifyAudit>[1])
}

const PHASES = [
  'opened',
  'intent',
  'outcome',
  'intent',
  'outcome',
  'checkpoint',
  'refusal',
  'intent',
  'outcome',
  'closed',
]
const { lines } = chainOf(PHASES)
const edit = (line: string | undefined, from: string | RegExp, to: string): string => (line ?? '').replace(from, to)
const withLine = (number: number, line: string | undefined): readonly (string | undefined)[] =>
  lines.map((one, position) => (position === number ? line : one))

const PLACING = ['event.hash', 'agent.id', 'agent.ephemeral_id', 'event.sequence', 'memory.previous']

/** As somebody without the key would: from a changed record on, all hashes made anew. */
function rechained(from: number, change: (fields: Record<string, unknown>) => void): readonly string[] {
  const fields = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  let position: ChainPosition = { writer: 'gateway-1', start: 'start-1', sequence: 0, previous: '' }
  return fields.map((one, number) => {
    if (number === from) change(one)
    const own = Object.fromEntries(Object.entries(one).filter(([name]) => !PLACING.includes(name)))
    const sealed = sealRecord(own, position, sha256)
    position = sealed.next
    return sealed.line.trimEnd()
  })
}

test('an untouched chain is intact, in one file or several, in whatever order, with other lines between', async () => {
  expect(await verify([lines])).toMatchObject({ intact: true, records: 10, chains: [{ end: 'closed', signedUpTo: 9 }] })
  expect(await verify([lines.slice(6), lines.slice(0, 6)])).toMatchObject({ intact: true, findings: [] })
  const mixed = ['{"level":30,"msg":"request"}', ...lines.slice(0, 4), 'half a li', ...lines.slice(4)]
  expect(await verify([mixed])).toMatchObject({ intact: true, otherLines: 2 })
})

test('nothing is not intact', async () => {
  expect(await verify([[]])).toMatchObject({ intact: false, records: 0 })
})

describe('what was done to a chain is found, and where', () => {
  interface Tampering {
    readonly files: readonly (readonly (string | undefined)[])[]
    /** `kind file:line sequence`. */
    readonly found: readonly string[]
  }
  const second = chainOf(['opened', 'intent', 'outcome', 'closed'], 'start-2', chainOf(PHASES)).lines
  const killed = chainOf(['opened', 'intent', 'outcome', 'intent'])
  const next = chainOf(['opened', 'settled', 'closed'], 'start-2', killed)
  const table: Readonly<Record<string, Tampering>> = {
    'a byte of a text': { files: [withLine(3, edit(lines[3], '"m3"', '"m8"'))], found: ['changed audit.0:4 3'] },
    'a byte that leaves no JSON': {
      files: [withLine(3, edit(lines[3], '"m3"', '"m3'))],
      found: ['changed audit.0:5 3'],
    },
    'a byte that leaves no UTF-8': { files: [withLine(3, undefined)], found: ['changed audit.0:5 3'] },
    'the hash of a record': {
      files: [withLine(3, edit(lines[3], /event\.hash":"./, 'event.hash":"_'))],
      found: ['changed audit.0:4 3', 'changed audit.0:4 3'],
    },
    'a member put behind the hash': {
      files: [withLine(3, edit(lines[3], /\}$/, ',"x":1}'))],
      found: ['changed audit.0:5 3'],
    },
    'a record replaced, its hash made anew': {
      files: [lines.with(3, rechained(3, (fields) => (fields['memory.id'] = 'm8'))[3] ?? '')],
      found: ['changed audit.0:4 3'],
    },
    'a record removed': { files: [lines.toSpliced(3, 1)], found: ['missing audit.0:4 3'] },
    'several records removed': { files: [lines.toSpliced(1, 4)], found: ['missing audit.0:2 1'] },
    'a checkpoint removed': { files: [lines.toSpliced(5, 1)], found: ['missing audit.0:6 5'] },
    'the first record removed': { files: [lines.slice(1)], found: ['missing audit.0:1 0'] },
    'two records swapped': {
      files: [[...lines.slice(0, 3), lines[4], lines[3], ...lines.slice(5)]],
      found: ['reordered audit.0:4 4'],
    },
    'a record put elsewhere': {
      files: [[...lines.slice(0, 2), ...lines.slice(3, 6), lines[2], ...lines.slice(6)]],
      found: ['reordered audit.0:3 3'],
    },
    'a record twice': { files: [[...lines.slice(0, 4), lines[3], ...lines.slice(4)]], found: ['repeated audit.0:5 3'] },
    'a file twice': { files: [lines, lines], found: ['repeated audit.1:1 0'] },
    'the tail cut off': { files: [lines.slice(0, 8)], found: ['cutOff audit.0:8 8', 'unsigned audit.0:8 5'] },
    'the last record cut off': { files: [lines.slice(0, 9)], found: ['cutOff audit.0:9 9', 'unsigned audit.0:9 5'] },
    'the last line cut in two': {
      files: [withLine(9, lines[9]?.slice(0, 50))],
      found: ['cutOff audit.0:9 9', 'unsigned audit.0:9 5'],
    },
    'the whole chain made anew by somebody without the key': {
      files: [rechained(1, (fields) => (fields['memory.id'] = 'm8'))],
      found: ['unsigned audit.0:10 0', 'badSignature audit.0:6 5', 'badSignature audit.0:10 9'].sort(),
    },
    'the whole chain made anew, without signatures': {
      files: [chainOf(PHASES.map((phase) => (SIGNED.includes(phase) ? 'intent' : phase)).with(9, 'closed ')).lines],
      found: ['cutOff audit.0:10 10', 'unsigned audit.0:10 0'],
    },
    'an earlier start removed': { files: [second], found: ['missing audit.0:1 0'] },
    'the tail of a killed start cut off': {
      files: [[...killed.lines.slice(0, 3), ...next.lines]],
      found: ['cutOff audit.0:3 3'],
    },
    'records put behind the end of a killed start': {
      files: [[...chainOf(['opened', 'intent', 'outcome', 'intent', 'outcome']).lines, ...next.lines]],
      found: ['added audit.0:5 4'],
    },
    'the end of a killed start replaced': {
      files: [
        [...killed.lines.slice(0, 3), chainOf(['opened', 'intent', 'outcome', 'refusal']).lines[3], ...next.lines],
      ],
      found: ['changed audit.0:4 3'],
    },
    'an old copy put back, and gone on from': {
      files: [[...killed.lines, ...next.lines], chainOf(['opened', 'closed'], 'start-3', killed).lines],
      found: ['forked audit.1:1 0'],
    },
    'two files merged line by line': {
      files: [lines.slice(0, 5).flatMap((line, number) => [lines[number + 5], line])],
      found: ['reordered audit.0:1 5'],
    },
  }

  test.each(Object.entries(table))('%s', async (_, { files, found }) => {
    const { intact, findings } = await verify(files)
    expect(intact).toBe(false)
    const told = findings.map(({ kind, file, line, sequence }) => `${kind} ${file}:${String(line)} ${String(sequence)}`)
    expect([...new Set(told)].sort()).toEqual([...new Set(found)].sort())
  })
})

describe('what is no tampering', () => {
  const killed = chainOf(['opened', 'intent', 'outcome', 'intent'])

  test('a start that was killed, when the next one names its end', async () => {
    const next = chainOf(['opened', 'settled', 'closed'], 'start-2', killed)
    const report = await verify([[...killed.lines, '{"half', ...next.lines]])
    expect(report).toMatchObject({ intact: true, chains: [{ end: 'followed' }, { end: 'closed' }] })
  })

  test('two gateways in one file', async () => {
    const other = chainOf(PHASES, 'start-9', undefined, 'gateway-2').lines
    expect(await verify([lines.flatMap((line, number) => [line, other[number]])])).toMatchObject({ intact: true })
  })

  test('a gateway that still runs, with --running; its earlier starts have their ends nevertheless', async () => {
    const next = chainOf(['opened', 'settled'], 'start-2', killed)
    expect(await verify([[...killed.lines, ...next.lines]])).toMatchObject({ intact: false })
    expect(await verify([[...killed.lines, ...next.lines]], { isRunning: true })).toMatchObject({ intact: true })
    expect(await verify([killed.lines, chainOf(['opened'], 'start-2').lines], { isRunning: true })).toMatchObject({
      intact: false,
    })
  })

  test('the newest files alone, with --partial', async () => {
    expect(await verify([lines.slice(6)], { isPartial: true })).toMatchObject({ intact: true })
    expect(await verify([lines.toSpliced(7, 1).slice(6)], { isPartial: true })).toMatchObject({ intact: false })
  })

  test('a chain without signatures, where no keys are given', async () => {
    const unsigned = rechained(0, (fields) => delete fields['memory.signature'])
    expect(await verify([unsigned], { verifySignature: undefined })).toMatchObject({ intact: true })
  })
})
