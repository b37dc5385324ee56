import { describe, expect, test } from '@jest/globals'

import type { DeleteOutcome } from '../../../src/core/delete-memory.ts'
import { FAILURES, GatewayError } from '../../../src/core/failure.ts'
import type { FailureCode } from '../../../src/core/failure.ts'
import { answerOf } from '../../../src/wire/answer.ts'
import type { AnswerContext, Result } from '../../../src/wire/answer.ts'

function context(differs: Partial<AnswerContext> = {}): AnswerContext {
  return {
    dialect: 'opensearch',
    method: 'DELETE',
    uri: '/x',
    decodedPath: '/x',
    presentation: { pretty: false, format: 'json', filterPaths: { includes: [], excludes: [] } },
    requestId: 'r-1',
    opaqueId: undefined,
    versionHeader: 'OpenSearch/3.4.0 (opensearch)',
    legacyMissing: 404,
    isReplayed: false,
    corsOrigin: undefined,
    ...differs,
  }
}

function answered(result: Result, differs: Partial<AnswerContext> = {}) {
  const { status, headers, body } = answerOf(result, context(differs))
  return { status, headers: Object.fromEntries(headers), body }
}

const RECEIPT = {
  index: 'i',
  memoryId: 'm',
  version: 2,
  shards: { total: 1, successful: 1, failed: 0 },
  seqNo: 1,
  primaryTerm: 1,
  forcedRefresh: false,
  recovered: false,
} as const

function deleted(differs: Partial<Extract<DeleteOutcome, { kind: 'deleted' }>['receipt']> = {}): Result {
  return { kind: 'outcome', outcome: { kind: 'deleted', type: 'working', receipt: { ...RECEIPT, ...differs } } }
}

describe('a delete', () => {
  test('has all its fields in the order of the server', () => {
    expect(answered(deleted())).toEqual({
      status: 200,
      headers: {
        'x-request-id': 'r-1',
        'X-OpenSearch-Version': 'OpenSearch/3.4.0 (opensearch)',
        'content-type': 'application/json; charset=UTF-8',
        'content-length': '134',
      },
      body: '{"_index":"i","_id":"m","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1}',
    })
  })

  test('tells of a refresh, and of numbers that no double holds', () => {
    expect(answered(deleted({ forcedRefresh: true, seqNo: 2n ** 62n })).body).toContain(
      '"result":"deleted","forced_refresh":true,"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":4611686018427387904',
    )
  })

  test('that was found out afterwards says so', () => {
    const { headers, body } = answered(deleted({ recovered: true, seqNo: -2, primaryTerm: 0 }))
    expect(headers['x-memory-recovered']).toBe('true')
    expect(body).toContain('"_seq_no":-2,"_primary_term":0')
    const legacy = answered(deleted({ recovered: true }), { dialect: 'memoryPlugin' })
    expect({ recovered: legacy.headers['x-memory-recovered'], body: legacy.body }).toEqual({
      recovered: 'true',
      body: '{"message":"Memory deleted"}',
    })
  })

  test("brings back the caller's own id in the dialect of the cluster", () => {
    expect(answered(deleted(), { opaqueId: 'job-7' }).headers['X-Opaque-Id']).toBe('job-7')
    expect(answered(deleted(), { opaqueId: 'job-7', dialect: 'memoryPlugin' }).headers).not.toHaveProperty(
      'X-Opaque-Id',
    )
  })

  test('before the cluster was ever heard names no version of it', () => {
    expect(answered(deleted(), { versionHeader: undefined }).headers).not.toHaveProperty('X-OpenSearch-Version')
  })
})

describe('every failure', () => {
  const codes = Object.keys(FAILURES) as FailureCode[]

  test.each(codes)('%s has its words in both dialects', (code) => {
    const { status, type, reason } = FAILURES[code]
    const failure: Result = { kind: 'failure', error: new GatewayError(code, { cause: 'a secret of the gateway' }) }
    const openSearch = answered(failure)
    expect({ status: openSearch.status, body: JSON.parse(openSearch.body) as unknown }).toEqual({
      status,
      // The server says this one in short.
      body:
        code === 'unsupportedContentType'
          ? { error: reason, status }
          : { error: { root_cause: [{ type, reason }], type, reason }, status },
    })
    const legacy = answered(failure, { dialect: 'memoryPlugin' })
    expect({ status: legacy.status, keys: Object.keys(JSON.parse(legacy.body) as object) }).toEqual({
      status,
      keys: ['error'],
    })
    for (const { body, headers } of [openSearch, legacy])
      expect(`${body}${JSON.stringify(headers)}`).not.toContain('secret')
  })

  test.each(codes)('%s has a challenge only where a token would help', (code) => {
    const { headers } = answered({ kind: 'failure', error: new GatewayError(code) })
    const challenged = ['missingToken', 'malformedAuthorization', 'invalidToken', 'insufficientScope'].includes(code)
    expect('www-authenticate' in headers).toBe(challenged)
  })

  test('is never filtered', () => {
    const presentation = {
      pretty: false,
      format: 'json',
      filterPaths: { includes: ['nothing'], excludes: ['**'] },
    } as const
    const { body } = answered({ kind: 'failure', error: new GatewayError('internal') }, { presentation })
    expect(JSON.parse(body)).toMatchObject({ status: 500 })
  })

  test('says when to try again', () => {
    const error = new GatewayError('tooManyRequests', { retryAfterSeconds: 3 })
    expect(answered({ kind: 'failure', error }).headers['retry-after']).toBe('3')
  })

  test('quotes in a challenge only what may stand in one (RFC 6750 section 3)', () => {
    const error = new GatewayError('invalidToken', { reason: 'a "b" \\ c\r\nx: é\x00' })
    const challenge = answered({ kind: 'failure', error }).headers['www-authenticate']
    expect(challenge).toBe(
      `Bearer realm="opensearch-memory-gateway", error="invalid_token", error_description="a 'b' ' c''x: ''"`,
    )
  })

  test('of a scope names it', () => {
    const error = new GatewayError('insufficientScope', { scope: 'memory:delete', reason: 'no' })
    expect(answered({ kind: 'failure', error }).headers['www-authenticate']).toBe(
      'Bearer realm="opensearch-memory-gateway", error="insufficient_scope", error_description="no", scope="memory:delete"',
    )
  })
})

describe('a request that comes to nothing', () => {
  test("by its method: the server's words with the target as it arrived", () => {
    const result = { kind: 'wrongMethod', allow: ['GET', 'POST'] } as const
    expect(answered(result, { uri: '/a%20b?c', decodedPath: '/a b' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET,POST' },
      body: '{"error":"Incorrect HTTP method for uri [/a%20b?c] and method [DELETE], allowed: [GET, POST]","status":405}',
    })
  })

  test("by its path: the server's words with the path decoded, and no status in the body", () => {
    expect(answered({ kind: 'noHandler' }, { uri: '/a%20b?c', decodedPath: '/a b' })).toMatchObject({
      status: 400,
      body: '{"error":"no handler found for uri [/a b] and method [DELETE]"}',
    })
  })

  test('by asking what may be asked: as the server answers OPTIONS', () => {
    expect(answered({ kind: 'wrongMethod', allow: ['GET'] }, { method: 'OPTIONS' })).toMatchObject({
      status: 200,
      headers: { allow: 'GET', 'content-type': 'text/plain; charset=UTF-8', 'content-length': '0' },
      body: '',
    })
  })

  test('content-length counts bytes', () => {
    const { body, headers } = answered({ kind: 'noHandler' }, { decodedPath: '/é😀' })
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
  })
})

test.each<[DeleteOutcome, number, string]>([
  [{ kind: 'containerNotFound' }, 404, 'Memory container not found'],
  [{ kind: 'indexNotFound' }, 404, 'Memory index not found'],
  [{ kind: 'memoryNotFound' }, 404, 'Memory not found'],
  [{ kind: 'denied', by: 'container' }, 403, "User doesn't have permissions to delete memories in this container"],
  [{ kind: 'denied', by: 'owner' }, 403, "User doesn't have permissions to delete this memory"],
])('%j is %d %s', (outcome, status, reason) => {
  const type = 'status_exception'
  const openSearch = answered({ kind: 'outcome', outcome })
  expect({ status: openSearch.status, body: JSON.parse(openSearch.body) as unknown }).toEqual({
    status,
    body: { error: { root_cause: [{ type, reason }], type, reason }, status },
  })
  const error = status === 404 ? 'Memory not found' : 'Forbidden'
  expect(answered({ kind: 'outcome', outcome }, { dialect: 'memoryPlugin' })).toMatchObject({
    status,
    body: JSON.stringify({ error }),
  })
  const idempotent = answered({ kind: 'outcome', outcome }, { dialect: 'memoryPlugin', legacyMissing: 200 })
  expect(idempotent.status).toBe(status === 404 ? 200 : 403)
})
