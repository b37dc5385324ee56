import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { DEVIATIONS } from '../vectors/deviations.ts'
import { NO_CASES, NORMALISATIONS, TRANSCRIPTS } from '../vectors/transcripts.ts'
import type { RecordedResponse, TranscriptCase } from '../vectors/transcripts/shape.ts'
import type { AskedAnswer } from './ask.ts'
import { caseOf, openRecordedWorld } from './recorded-world.ts'
import type { RecordedWorld } from './recorded-world.ts'

let world: RecordedWorld

beforeAll(async () => {
  world = await openRecordedWorld(plainCluster().url)
})
afterAll(() => world.close())

/** Headers that the gateway adds to what the server sends, and those of the connection. */
const OWN_HEADERS = ['x-request-id', 'date', 'connection', 'keep-alive', 'content-length']

interface Comparable {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

function normalised(body: string): string {
  return NORMALISATIONS.reduce((text, rule) => ('pattern' in rule ? text.replaceAll(rule.pattern, '$1N') : text), body)
}

function answered({ status, headers, text }: AskedAnswer, { response }: TranscriptCase): Comparable {
  const compared = Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name) || name in response.headers)
  return { status, headers: Object.fromEntries(compared), body: normalised(text) }
}

function recorded({ status, headers, body }: RecordedResponse): Comparable {
  return { status, headers: { ...headers, 'x-opensearch-version': world.versionHeader }, body: normalised(body) }
}

async function expectFate(one: TranscriptCase, gone: readonly string[], there: readonly string[]): Promise<void> {
  for (const memory of one.memories ?? []) {
    if (gone.includes(memory.id))
      expect({ id: memory.id, there: await world.isThere(memory) }).toEqual({ id: memory.id, there: false })
    if (there.includes(memory.id))
      expect({ id: memory.id, there: await world.isThere(memory) }).toEqual({ id: memory.id, there: true })
  }
}

const deviates = ({ number }: TranscriptCase): boolean =>
  DEVIATIONS.some((deviation) => deviation.number === number && deviation.caller === undefined)

describe.each(Object.entries(TRANSCRIPTS))('recorded: %s', (_, cases) => {
  test.each(cases.filter((one) => !deviates(one)))('$number $title', async (one) => {
    const answer = await world.run(one)
    expect(answered(answer, one)).toEqual(recorded(one.response))
    await expectFate(one, one.gone ?? [], one.there ?? [])
  })
})

describe('on purpose otherwise than the plugin', () => {
  test.each(DEVIATIONS)('$number: $why', async ({ number, caller, gateway, gone = [], there = [] }) => {
    const one = caseOf(number)
    const answer = await world.run(one, caller)
    expect(answered(answer, one)).toEqual(recorded(gateway))
    expect(answered(answer, one)).not.toEqual(recorded(one.response))
    expect(gone.length + there.length).toBeGreaterThan(0)
    await expectFate(one, gone, there)
  })
})

test('every recording is one case, or says why it is none', () => {
  const numbers = Object.values(TRANSCRIPTS).flatMap((cases) => cases.map(({ number }) => number))
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(numbers.filter((number) => number in NO_CASES)).toEqual([])
  expect(numbers.length).toBeGreaterThanOrEqual(59)
})

test('a routed memory is in a shard where nobody looks without its routing', async () => {
  const routed = caseOf('426').memories?.[0]
  if (routed === undefined) throw new Error('426 has its memory')
  await world.run(caseOf('426'))
  expect(await world.isThere(routed)).toBe(true)
  expect(await world.isThere({ index: routed.index, id: routed.id, source: {} })).toBe(false)
})
