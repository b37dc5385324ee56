import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { compactVerify, createLocalJWKSet, decodeProtectedHeader } from 'jose'
import type { JSONWebKeySet } from 'jose'

import { createReceiptKey, openReceiptKeys } from '../../src/auth/receipt-keys.ts'
import { openStatementKeys } from '../../src/auth/verify-statement.ts'
import { prepareClient } from '../clients/prepare-client.ts'
import { openTestAudit } from '../support/audit.ts'
import type { TestAudit } from '../support/audit.ts'
import { call } from '../support/call.ts'
import type { Call, Reply } from '../support/call.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collectStream } from '../support/collected.ts'
import { startTestGateway, TEST_ISSUER } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

const memories = testMemories(plainCluster().url)
const OWN = { memory_container_id: 'c', owner_id: 'alice', messages: 'SECRET-TEXT' }
const CONTAINERS = '/_plugins/_ml/memory_containers'
const KEY_SET = '/.well-known/memory-gateway/jwks.json'
const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-receipts-'))
const keyFile = (number: number): string => join(folder, `key-${String(number)}.json`)
let audit: TestAudit
let python: string
let gateway: TestGateway

const start = async (keys: readonly number[], more: Partial<GatewayOverrides> = {}): Promise<TestGateway> =>
  (gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c' },
    audit: { sink: 'file', file: audit.path, writer: 'gateway-1' },
    receipts: { mode: 'on', keys: keys.map((number) => `file:${keyFile(number)}`) },
    ...more,
  }))

beforeAll(async () => {
  // Made on first use, from a package registry.
  ;[python] = await prepareClient('python')
  audit = openTestAudit()
  for (const number of [1, 2, 3]) expect(await createReceiptKey(keyFile(number))).toBe(true)
  await memories.putContainer('c', { owner: { name: 'alice' } })
}, 300_000)
afterEach(() => gateway.close())
afterAll(async () => {
  await memories.removeAll()
  audit.remove()
  rmSync(folder, { recursive: true, force: true })
})

const ask = async (request: Call, claims?: Parameters<TestGateway['token']>[0]): Promise<Reply> =>
  call(gateway.url, { ...request, token: await gateway.token(claims) })
const receiptOf = ({ headers }: Reply): string => String(headers['memory-receipt'])
const deletion = (type: string, id: string): Call => ({
  method: 'DELETE',
  path: `${CONTAINERS}/c/memories/${type}/${id}`,
})
const json = { 'content-type': 'application/json' }

async function deleteOne(id: string): Promise<string> {
  await memories.putMemory('working', id, OWN)
  return receiptOf(await ask(deletion('working', id)))
}

const keySet = async (): Promise<JSONWebKeySet> => (await call(gateway.url, { path: KEY_SET })).body as JSONWebKeySet

/** As anybody would who has the key set, and jose. */
async function read(receipt: string): Promise<unknown> {
  const { payload } = await compactVerify(receipt, createLocalJWKSet(await keySet()))
  return JSON.parse(new TextDecoder().decode(payload))
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

describe('a receipt says what was deleted, and nothing of what it said', () => {
  test('of one memory, in both dialects', async () => {
    await start([1])
    await memories.putMemory('working', 'one', OWN)
    const reply = await ask({ ...deletion('working', 'one'), headers: { 'x-request-id': 'request-1' } })
    const { _seq_no, _version, _primary_term } = reply.body as Readonly<Record<string, unknown>>
    expect(decodeProtectedHeader(receiptOf(reply))).toEqual({
      alg: 'ES256',
      kid: expect.any(String),
      typ: 'memory-receipt+jwt',
    })
    expect(await read(receiptOf(reply))).toEqual({
      iss: 'memory-gateway',
      iat: expect.any(Number),
      jti: expect.any(String),
      request_id: 'request-1',
      by: { iss: TEST_ISSUER, sub: 'alice' },
      action: 'delete-memory',
      cluster: 'main',
      container_id: 'c',
      type: 'working',
      id: 'one',
      index: memories.indexOf('working'),
      seq_no: _seq_no,
      primary_term: _primary_term,
      version: _version,
    })
    await memories.putMemory('working', 'two', OWN)
    const legacy = await ask({ method: 'DELETE', path: '/api/memories/two' })
    expect(await read(receiptOf(legacy))).toMatchObject({ id: 'two', type: 'working', action: 'delete-memory' })
    const { text } = await call(gateway.opsUrl, { path: '/metrics' })
    expect(text).toContain('memory_gateway_receipts_total{result="signed"} 2\n')
    expect(text).toContain('memory_gateway_receipts_total{result="failed"} 0\n')
  })

  test('of many at once there is one, of those that were deleted', async () => {
    await start([1])
    for (const id of ['m1', 'm2']) await memories.putMemory('working', id, OWN)
    const body = JSON.stringify({ memoryIds: ['m2', 'nobody', 'm1'] })
    const many = await ask({ method: 'POST', path: '/api/memories/bulk-delete', headers: json, body })
    expect(await read(receiptOf(many))).toMatchObject({
      action: 'delete-memories',
      deleted: 2,
      ids_sha256: sha256('m1\nm2'),
    })

    await memories.putMemory('history', 'h1', { ...OWN, action: 'ADD' })
    const query = '{"match":{"action":"ADD"}}'
    const path = `${CONTAINERS}/c/memories/history/_delete_by_query`
    const asked = { method: 'POST', path, headers: json, body: `{"query":${query}}` }
    const dry = await ask({ ...asked, path: `${path}?dry_run=true` })
    expect(dry.headers['memory-receipt']).toBeUndefined()
    const found = await ask(asked)
    expect(await read(receiptOf(found))).toMatchObject({
      action: 'delete-by-query',
      type: 'history',
      deleted: 1,
      query_sha256: sha256(query),
    })
  })

  test('of a session with its memories, and of a container', async () => {
    await start([1])
    await memories.putMemory('sessions', 's1', OWN)
    await memories.putMemory('working', 'of-s1', { ...OWN, namespace: { session_id: 's1' } })
    expect(await read(receiptOf(await ask(deletion('sessions', 's1?cascade=true'))))).toMatchObject({
      action: 'delete-session',
      id: 's1',
      deleted: 2,
    })
    await memories.putContainer('d', { owner: { name: 'alice' } })
    const container = await ask({ method: 'DELETE', path: `${CONTAINERS}/d` }, { scopes: ['memory:delete:container'] })
    expect(await read(receiptOf(container))).toMatchObject({
      action: 'delete-container',
      container_id: 'd',
      index: memories.containerIndex,
    })
  })

  test('is the same when the answer is given once more; a refusal has none', async () => {
    await start([1])
    await memories.putMemory('working', 'twice', OWN)
    const request = { ...deletion('working', 'twice'), headers: { 'idempotency-key': 'twice' } }
    const [first, second] = [await ask(request), await ask(request)]
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect(receiptOf(second)).toBe(receiptOf(first))
    expect((await ask(deletion('working', 'nobody'))).headers['memory-receipt']).toBeUndefined()
  })

  test('has no id where ids are hashed, and is not there where receipts are off', async () => {
    await start([1], {
      receipts: { mode: 'on', keys: [`file:${keyFile(1)}`], ids: 'hashed', issuer: 'erasure.example' },
    })
    const said = await read(await deleteOne('hidden'))
    expect(said).toMatchObject({ iss: 'erasure.example', id_sha256: sha256('hidden') })
    expect(JSON.stringify(said)).not.toMatch(/hidden|SECRET/)
    await gateway.close()
    await start([], { receipts: {} })
    expect(await deleteOne('unsigned')).toBe('undefined')
    expect(await keySet()).toEqual({ keys: [] })
  })
})

test('after two rotations and a restart each, all receipts verify: with jose, with PyJWT and with the command', async () => {
  const receipts: string[] = []
  for (const keys of [[1], [2, 1], [3, 2, 1]]) {
    await start(keys)
    receipts.push(await deleteOne(`rotated-${String(keys.length)}`))
    if (keys.length < 3) await gateway.close()
  }
  const jwks = await keySet()
  expect(jwks.keys.map((key) => Object.keys(key).sort())).toEqual(
    Array(3).fill(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']),
  )
  expect(new Set(receipts.map((receipt) => decodeProtectedHeader(receipt).kid))).toEqual(
    new Set(jwks.keys.map(({ kid }) => kid)),
  )
  const ids = ['rotated-1', 'rotated-2', 'rotated-3']
  expect(await Promise.all(receipts.map(read))).toMatchObject(ids.map((id) => ({ id })))

  const script = join(import.meta.dirname, '../clients/python/verify_receipts.py')
  const printed = execFileSync(python, [script], { input: JSON.stringify({ jwks, receipts }) }).toString()
  expect(
    printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject(ids.map((id) => ({ id })))

  // The first rotation's key, by the last one's address.
  const good = await spawnAsync(receipts[0] ?? '')
  expect({ code: good.code, said: JSON.parse(good.text) as unknown }).toMatchObject({
    code: 0,
    said: { id: 'rotated-1' },
  })
}, 90_000)

test('a receipt that was changed, or is of another kind, is found out', async () => {
  await start([1])
  const receipt = await deleteOne('changed')
  const verify = await openStatementKeys(`${gateway.url}${KEY_SET}`)
  expect(await verify('memory-receipt+jwt', receipt)).toMatchObject({ id: 'changed' })
  const [header = '', payload = '', signature = ''] = receipt.split('.')
  const said = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const forged = Buffer.from(JSON.stringify({ ...said, id: 'another' })).toString('base64url')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  const tampered = [
    [header, forged, signature].join('.'),
    [header, payload, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.'),
    [none, payload, ''].join('.'),
    [header, payload, ''].join('.'),
    'no receipt',
    '',
  ]
  expect(await Promise.all(tampered.map((one) => verify('memory-receipt+jwt', one)))).toEqual(
    tampered.map(() => undefined),
  )
  expect(await verify('memory-audit-checkpoint+jwt', receipt)).toBeUndefined()
  expect((await spawnAsync(tampered[0] ?? '')).code).toBe(3)
})

test('the audit is signed with the same keys, over rotations; what is signed by no key that is known is found', async () => {
  await start([1])
  await deleteOne('signed')
  const verify = await openStatementKeys(`${gateway.url}${KEY_SET}`)
  const verifySignature = (jws: string): Promise<unknown> => verify('memory-audit-checkpoint+jwt', jws)
  await gateway.close()
  await start([1], { audit: { sink: 'file', file: `${audit.path}-2`, writer: 'gateway-2' } })
  expect(audit.text()).toContain('"memory.signature":"')
  // Chains of the rotated keys are signed with keys that this gateway does not publish.
  const report = await audit.verify({ verifySignature })
  expect(new Set(report.findings.map(({ kind }) => kind))).toEqual(new Set(['badSignature', 'unsigned']))
  const all = await openStatementKeys(await writeKeySet([3, 2, 1]))
  const whole = await audit.verify({ verifySignature: (jws) => all('memory-audit-checkpoint+jwt', jws) })
  // One of the gateways had no key; the next start's signature vouches for its chain, whose end it names.
  expect(whole).toMatchObject({ intact: true, findings: [] })
  expect(
    whole.chains.filter(({ last, signedUpTo }) => signedUpTo !== last).map(({ signedUpTo }) => signedUpTo),
  ).toEqual([undefined])
})

test('the key set is for everybody, and nothing else below its folder is', async () => {
  await start([1])
  const got = await call(gateway.url, { path: KEY_SET })
  expect({ status: got.status, type: got.headers['content-type'], cache: got.headers['cache-control'] }).toEqual({
    status: 200,
    type: 'application/jwk-set+json',
    cache: 'public, max-age=300',
  })
  expect(got.text).not.toContain('"d"')
  const head = await call(gateway.url, { method: 'HEAD', path: KEY_SET })
  expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' })
  expect((await ask({ method: 'POST', path: KEY_SET })).status).toBe(405)
  expect((await call(gateway.url, { path: '/.well-known/memory-gateway/other' })).status).toBe(401)
  expect((await ask({ path: '/.well-known/memory-gateway/other' }, { scopes: ['opensearch:admin'] })).status).toBe(400)
  expect((await ask({ path: '/.WELL-KNOWN/memory-gateway/jwks.json' }, { scopes: ['opensearch:admin'] })).status).toBe(
    400,
  )
})

/** `receipt verify`, with the key set of the gateway in this process. */
async function spawnAsync(input: string): Promise<{ readonly code: number | null; readonly text: string }> {
  const args = [CLI, 'receipt', 'verify', '--jwks', `${gateway.url}${KEY_SET}`]
  const child = spawn(process.execPath, args)
  for (const stream of [child.stdout, child.stderr]) collectStream('receipt', stream)
  child.stdin.end(input)
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, text }
}

/** The key set of all keys of this test, as a file. */
async function writeKeySet(keys: readonly number[]): Promise<string> {
  const { jwks } = await openReceiptKeys(keys.map((number) => readFileSync(keyFile(number), 'utf8')))
  const path = join(folder, 'jwks.json')
  writeFileSync(path, JSON.stringify(jwks))
  return path
}
