import { describe, expect, test } from '@jest/globals'

import type { BodyScanner, Finding } from '../../../../../src/core/guard/bodies/finding.ts'
import { scannerFor } from '../../../../../src/core/guard/bodies/scanner-for.ts'
import { BODY_VECTORS } from '../../../../vectors/guard-bodies.ts'
import type { BodyVector } from '../../../../vectors/guard-bodies.ts'

/** The defaults of guard.bodies. */
const LIMITS = { searchBytes: 1_048_576, lineBytes: 65_536 }

function scanner({ kind, api }: BodyVector): BodyScanner {
  return scannerFor({ kind, api: api ?? (kind === 'query' ? 'search' : kind) }, LIMITS)
}

const bytesOf = ({ body }: BodyVector): Uint8Array => (typeof body === 'string' ? Buffer.from(body) : body)

function scan(vector: BodyVector, parts: readonly Uint8Array[]): readonly string[] {
  const scan = scanner(vector)
  return [...parts.flatMap((part) => scan.push(part)), ...scan.end()].map(told)
}

function told(finding: Finding): string {
  const where = finding.line === undefined ? '' : `${String(finding.line)}: `
  return `${where}${finding.kind}${finding.kind === 'names' ? ` ${finding.indices.join('|')}` : ''}`
}

const sorted = (texts: readonly string[]): readonly string[] => [...texts].sort()

describe.each(['bulk', 'ids', 'msearch', 'mget', 'query'] as const)('a body of the kind %s', (kind) => {
  const vectors = BODY_VECTORS.filter((vector) => vector.kind === kind)

  test.each(vectors)('$says', (vector) => {
    expect(sorted(scan(vector, [bytesOf(vector)]))).toEqual(sorted(vector.finds))
  })

  test.each(vectors)('cut at every byte: $says', (vector) => {
    const bytes = bytesOf(vector)
    const whole = scan(vector, [bytes])
    const size = bytes.length > 20_000 ? 997 : 1
    const cuts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => at * size)
    const parts = cuts.map((at) => bytes.subarray(at, at + size))
    expect(scan(vector, parts)).toEqual(whole)
    if (bytes.length > 2_000) return
    for (let at = 1; at < bytes.length; at++) {
      expect(scan(vector, [bytes.subarray(0, at), new Uint8Array(0), bytes.subarray(at)])).toEqual(whole)
    }
  })
})

test('templates are not seen through', () => {
  for (const [kind, api] of [
    ['msearchTemplate', 'msearch_template'],
    ['query', 'search_template'],
  ] as const) {
    const made = scannerFor({ kind, api }, LIMITS)
    expect(made.push(Buffer.from('{}')).map(told)).toEqual(['hidden'])
    expect(made.end()).toEqual([])
  }
})

test('a source of 100 MiB in one line is passed over without being held', () => {
  const scan = scanner({ says: '', kind: 'bulk', body: '', finds: [] })
  expect(scan.push(Buffer.from('{"index":{"_index":"a"}}\n{"x":"')).map(told)).toEqual(['1: names a'])
  const chunk = Buffer.alloc(65_536, '{')
  global.gc?.()
  const before = process.memoryUsage().arrayBuffers
  for (let sent = 0; sent < 104_857_600; sent += chunk.length) expect(scan.push(chunk)).toHaveLength(0)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_048_576)
  expect(scan.push(Buffer.from('"}\n{"delete":{"_index":"b","_id":"1"}}\n')).map(told)).toEqual(['3: names b'])
})

test('chunks that were scanned may be used again by whoever gave them', () => {
  const scan = scanner({ says: '', kind: 'bulk', body: '', finds: [] })
  const found: Finding[] = []
  const chunk = Buffer.alloc(4)
  const body = Buffer.from('{"index":{"_index":"abcdefgh"}}\n{}\n')
  for (let at = 0; at < body.length; at += chunk.length) {
    const bytes = body.copy(chunk, 0, at)
    found.push(...scan.push(chunk.subarray(0, bytes)))
    chunk.fill('x')
  }
  expect([...found, ...scan.end()].map(told)).toEqual(['1: names abcdefgh'])
})
