import { describe, expect, test } from '@jest/globals'

import { GUARD_REQUESTS } from '../../../vectors/guard-requests.ts'
import type { GuardRequest } from '../../../vectors/guard-requests.ts'
import { DEFAULT_POLICY, decide, guardedTable } from './guarded-world.ts'

const lineOf = ({ method, target }: GuardRequest): string => `${method} ${target}`

/** In the vectors' letters. */
function passes(line: string): string {
  const letters = (['read', 'write'] as const).flatMap((kind) => {
    const { refusals, body } = decide(line, { scopes: [`opensearch:${kind}`] })
    return refusals.length > 0 ? [] : [`${kind.slice(0, 1)}${body === undefined ? '' : 'b'}`]
  })
  return letters.join(' ')
}

describe('what each scope lets through', () => {
  test('the vectors are enough', () => {
    expect(GUARD_REQUESTS.filter((request) => request.passes === '').length).toBeGreaterThan(250)
    expect(GUARD_REQUESTS.filter((request) => request.passes !== '').length).toBeGreaterThan(100)
  })

  test.each(GUARD_REQUESTS.map((request) => [lineOf(request), request] as const))('%s', (line, request) => {
    expect(passes(line)).toBe(request.passes)
    expect(decide(line, { scopes: ['memory:delete', 'memory:delete:any'] }).refusals).not.toEqual([])
    const ofAdmin = decide(line, { scopes: ['opensearch:admin'] })
    expect({ refusals: ofAdmin.refusals, body: ofAdmin.body }).toEqual({ refusals: [], body: undefined })
    // Without a table, nothing more passes.
    if (request.passes === '') {
      for (const scopes of [['opensearch:read'], ['opensearch:write']]) {
        expect(decide(line, { scopes, table: undefined }).refusals).not.toEqual([])
      }
    }
  })
})

describe('what a refusal says', () => {
  const reason = (line: string, ...scopes: string[]): string | undefined =>
    decide(line, scopes.length === 0 ? {} : { scopes }).refusals[0]?.reason

  test('the scope that is missing', () => {
    expect(reason('GET /guarded-pub/_doc/1', 'opensearch:write')).toBe(
      'The bearer token lacks the scope for this request: opensearch:read',
    )
    expect(reason('PUT /guarded-pub/_doc/1')).toBe(
      'The bearer token lacks the scope for this request: opensearch:write',
    )
    expect(reason('POST /_aliases')).toBe('The bearer token lacks the scope for this request: opensearch:admin')
    expect(decide('POST /_aliases').refusals[0]?.scope).toBe('opensearch:admin')
  })

  test('the index, and who reaches it', () => {
    expect(reason('GET /guarded-sec-memory-working/_doc/1')).toBe(
      'index [guarded-sec-memory-working] holds memories or system data: only opensearch:admin reaches it',
    )
    expect(reason('GET /guarded-trap/_doc/1')).toBe(
      '[guarded-trap] reaches an index that holds memories or system data: only opensearch:admin reaches it',
    )
    expect(reason('GET /_cat/indices')).toBe(
      'The request reaches all indices, and with them memories or system data: name the indices that you mean',
    )
    expect(decide('GET /guarded-trap/_doc/1').refusals).toMatchObject([
      { cause: 'protectedIndex', scope: 'opensearch:admin' },
    ])
  })

  test('both what the rules and what the indices have against it, so that each can be observed by itself', () => {
    const { refusals } = decide('GET /guarded-trap/_doc/1', { scopes: [] })
    expect(refusals.map(({ cause }) => cause)).toEqual(['missingScope', 'protectedIndex'])
  })
})

describe('how far a decision stands on the table', () => {
  test.each([
    ['GET /guarded-sec-memory-working/_doc/1', 'nothing'],
    ['GET /', 'nothing'],
    ['GET /_aliases', 'nothing'],
    ['GET /guarded-pub/_doc/1', 'known'],
    ['GET /guarded-safe/_doc/1', 'resolved'],
    ['GET /guarded-logs-*/_search', 'resolved'],
    ['GET /_search', 'resolved'],
    ['GET /guarded-pub,guarded-new/_search', 'unknown'],
  ])('%s: %s', (line, reliesOn) => {
    expect(decide(line).reliesOn).toBe(reliesOn)
  })

  test('an admin’s decision needs no table', () => {
    for (const line of ['GET /_search', 'GET /guarded-new/_doc/1', 'DELETE /*']) {
      expect(decide(line, { scopes: ['opensearch:admin'], table: undefined })).toMatchObject({
        refusals: [],
        reliesOn: 'nothing',
      })
    }
  })
})

describe('what a body names', () => {
  const judge = (line: string, expressions: readonly string[], scope = 'opensearch:read'): readonly string[] => {
    const { body } = decide(line, { scopes: [scope] })
    if (body === undefined) throw new Error('no body would be inspected')
    return body.judge(expressions, guardedTable()).refusals.map(({ cause }) => cause)
  }

  test('is judged as if the path named it', () => {
    expect(judge('POST /_msearch', ['guarded-pub'])).toEqual([])
    expect(judge('POST /_msearch', ['guarded-pub,guarded-logs-*', 'guarded-safe'])).toEqual([])
    for (const expressions of [
      [],
      [''],
      ['guarded-pub', ''],
      ['_all'],
      ['guarded-trap'],
      ['<x>'],
      ['guarded-sec-memory-working'],
      ['*:*'],
    ]) {
      expect(judge('POST /_msearch', expressions)).toHaveLength(1)
      expect(judge('POST /guarded-pub/_bulk', expressions, 'opensearch:write')).toHaveLength(1)
    }
  })

  test('what names nothing means all indices, or those of the path', () => {
    for (const line of ['POST /_msearch', 'POST /_mget', 'POST /_search']) {
      expect(decide(line).body?.unnamed).toMatchObject([{ cause: 'protectedIndex' }])
    }
    expect(decide('POST /guarded-pub/_msearch').body?.unnamed).toEqual([])
    expect(decide('POST /_bulk', { scopes: ['opensearch:write'] }).body?.unnamed).toMatchObject([
      { cause: 'protectedIndex' },
    ])
  })

  test('where nothing is protected, all indices may be meant', () => {
    const table = { indices: new Set(['a']), targets: new Map(), guarded: [] }
    expect(decide('GET /_search', { table }).body?.unnamed).toEqual([])
    expect(decide('GET /_cat/indices', { table }).refusals).toEqual([])
  })

  test('the policy’s own names and exceptions count', () => {
    const policy = { ...DEFAULT_POLICY, protection: { more: ['hr-*'], except: ['.kibana*'] } }
    expect(decide('GET /hr-2024/_doc/1', { policy }).refusals).toHaveLength(1)
    expect(decide('GET /.kibana_1/_doc/1', { policy }).refusals).toEqual([])
    expect(decide('GET /.kibana_1/_doc/1').refusals).toHaveLength(1)
    expect(decide('GET /.ds-events-000001/_doc/1').refusals).toEqual([])
    const tooWide = { ...DEFAULT_POLICY, protection: { more: [], except: ['.*'] } }
    for (const index of [
      '.plugins-ml-config',
      '.opendistro_security',
      '.plugins-ml-am-x-memory-working',
      '.x-memory-history',
    ]) {
      expect(decide(`GET /${index}/_doc/1`, { policy: tooWide }).refusals).toHaveLength(1)
    }
  })
})
