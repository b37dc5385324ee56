import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import type { Call } from '../support/call.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { requireDescribed } from './described.ts'

const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-revocations-'))
const file = join(folder, 'revocations.jsonl')
const token = 'operator-token-0123456789'
const headers = { 'content-type': 'application/json' }
let on: TestGateway
let off: TestGateway

beforeAll(async () => {
  writeFileSync(file, '')
  const shared = { cluster: { nodes: ['http://127.0.0.1:9'] }, ops: { port: 0, token } }
  on = await startTestGateway({ ...shared, revocation: { file, accept: true } })
  off = await startTestGateway({ ...shared, revocation: { file } })
})
afterAll(async () => {
  await Promise.all([on.close(), off.close()])
  rmSync(folder, { recursive: true, force: true })
})

/** The status, of an answer that the API description has. */
async function post(of: TestGateway, overrides: Partial<Call>): Promise<number> {
  const answer = await call(of.opsUrl, { method: 'POST', path: '/revocations', token, headers, ...overrides })
  requireDescribed({ method: 'POST', target: '/revocations' }, answer)
  return answer.status
}

test.each<readonly [what: string, status: number, Partial<Call>]>([
  ['an entry', 201, { body: '{"jti":"a","issuer":"https://issuer.test","until":9000000000}' }],
  ['an entry of a subject', 201, { body: '{"subject":"mallory","issuedBefore":1.5}' }],
  ['no entry', 400, { body: '{"subjekt":"mallory"}' }],
  ['no body', 400, {}],
  ['no JSON', 400, { body: '{' }],
  ['another type', 415, { headers: { 'content-type': 'text/plain' }, body: '{"jti":"a"}' }],
  ['a body that is too long', 413, { body: JSON.stringify({ jti: 'a'.repeat(70_000) }) }],
  ['a wrong token', 401, { token: 'another-token-0123456789', body: '{"jti":"a"}' }],
])('POST /revocations with %s: %i, as the API description has it', async (_, status, overrides) => {
  expect(await post(on, overrides)).toBe(status)
})

test('where it is off it is described too: 404', async () => {
  expect(await post(off, { body: '{"jti":"b"}' })).toBe(404)
})

test('where the list cannot be written: 503, as the API description has it', async () => {
  rmSync(folder, { recursive: true })
  expect(await post(on, { body: '{"jti":"b"}' })).toBe(503)
})
