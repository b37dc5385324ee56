import {
  appendFileSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { openRevocationFile } from '../../../src/auth/revocation-file.ts'
import { compileRevocations, readRevocations } from '../../../src/core/revocation.ts'
import { call } from '../../support/call.ts'
import { startTestGateway, TEST_ISSUER } from '../../support/gateway.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

const TOKEN = { issuer: 'i', subject: 'alice', tokenId: 'j', issuedAt: 100 }

describe('a deny list', () => {
  test.each([
    ['{"jti":"j"}', true],
    ['{"jti":"j","issuer":"i"}', true],
    ['{"jti":"j","issuer":"another"}', false],
    ['{"jti":"k"}', false],
    ['{"subject":"alice"}', true],
    ['{"subject":"alice","issuedBefore":101}', true],
    ['{"subject":"alice","issuedBefore":100}', false],
    ['{"subject":"alice","issuer":"another"}', false],
    ['{"subject":"bob"}', false],
    ['{"issuer":"i"}', true],
    ['{"issuer":"i","issuedBefore":100}', false],
    ['{"jti":"j","until":50}', false],
    ['{"jti":"j","until":51}', true],
    ['{"subject":"alice","issuedBefore":200}\n\n{"subject":"alice","issuedBefore":1}', true],
  ])('%s', (text, isRevoked) => {
    expect(compileRevocations(readRevocations(text), 50).isRevoked(TOKEN)).toBe(isRevoked)
  })

  test('leaves entries out whose time is over, and refuses a token that does not say when it was issued', () => {
    const list = compileRevocations(readRevocations('{"jti":"a","until":1}\n{"subject":"alice","issuedBefore":1}'), 50)
    expect(list.size).toBe(1)
    expect(list.isRevoked({ issuer: 'i', subject: 'alice' })).toBe(true)
  })

  test.each([
    '{',
    '[]',
    '{}',
    '{"jti":1}',
    '{"jti":""}',
    '{"jti":"a","jti":"b"}',
    '{"subjekt":"a"}',
    '{"jti":"a","subject":"b"}',
    '{"subject":"a","until":"x"}',
  ])('with the line %s is none', (line) => expect(() => readRevocations(`{"jti":"a"}\n${line}`)).toThrow('line 2 '))
})

describe('a gateway with a deny list', () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-revocations-'))
  const file = join(folder, 'revocations.jsonl')
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const opsToken = 'operator-token-0123456789'
  let gateway: TestGateway

  beforeAll(async () => {
    writeFileSync(file, '')
    gateway = await startTestGateway({
      // Nothing here gets as far as the cluster.
      cluster: { nodes: ['http://127.0.0.1:9'] },
      ops: { port: 0, token: opsToken },
      revocation: { file, interval: '50ms', accept: true },
    })
  })
  afterAll(async () => {
    agent.destroy()
    await gateway.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** 403 for a good token, which has no scope. */
  const statusOf = async (token: string): Promise<number> =>
    (await call(gateway.url, { method: 'DELETE', path: '/api/memories/x', token, agent })).status
  const check = async (): Promise<unknown> => {
    const { body } = await call(gateway.opsUrl, { path: '/readyz' })
    return (body as { readonly checks: { readonly revocation: unknown } }).checks.revocation
  }
  const jtiOf = (token: string): string =>
    (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { readonly jti: string }).jti

  test('refuses a token that 64 callers use and that is remembered, within the bound, and nobody else', async () => {
    const [stolen, other] = [await gateway.token({ scopes: [] }), await gateway.token({ scopes: [] })]
    expect([await statusOf(stolen), await statusOf(other)]).toEqual([403, 403])
    let revokedAt = Infinity
    const late: number[] = []
    const callers = Array.from({ length: 64 }, async () => {
      for (let refused = 0; refused < 3;) {
        const askedAt = performance.now()
        const status = await statusOf(stolen)
        if (status === 401) refused += 1
        // The bound that is stated for the default interval.
        else if (askedAt > revokedAt + 5_000) late.push(askedAt - revokedAt)
      }
    })
    appendFileSync(file, `${JSON.stringify({ jti: jtiOf(stolen), issuer: TEST_ISSUER })}\n`)
    revokedAt = performance.now()
    await Promise.all(callers)
    expect(late).toEqual([])
    expect(await statusOf(other)).toBe(403)
    const refused = await call(gateway.url, { method: 'DELETE', path: '/api/memories/x', token: stolen })
    expect(refused.headers['www-authenticate']).toContain(
      'error="invalid_token", error_description="The token was revoked"',
    )
  })

  test('POST /revocations adds an entry, in force at once, for the operator alone', async () => {
    const mallory = await gateway.token({ subject: 'mallory', scopes: [] })
    expect(await statusOf(mallory)).toBe(403)
    const body = JSON.stringify({ subject: 'mallory' })
    const headers = { 'content-type': 'application/json' }
    const post = { method: 'POST', path: '/revocations', headers, body }
    expect((await call(gateway.opsUrl, post)).status).toBe(401)
    expect(
      (await call(gateway.opsUrl, { ...post, headers: { 'content-type': 'text/plain' }, token: opsToken })).status,
    ).toBe(415)
    expect((await call(gateway.opsUrl, { ...post, body: '{}', token: opsToken })).status).toBe(400)
    expect(await statusOf(mallory)).toBe(403)
    expect((await call(gateway.opsUrl, { ...post, token: opsToken })).status).toBe(201)
    expect(await statusOf(mallory)).toBe(401)
  })

  test('keeps the last list when the file goes away or breaks, and says so', async () => {
    const mallory = await gateway.token({ subject: 'mallory', scopes: [] })
    const healthy = { ok: true, reachable: true, entries: 2 }
    expect(await check()).toMatchObject(healthy)
    renameSync(file, `${file}.away`)
    const reachable = async (): Promise<boolean> => ((await check()) as { readonly reachable: boolean }).reachable
    const wait = async (wanted: boolean): Promise<void> => {
      let now = await reachable()
      await until(() => {
        void reachable().then((value) => (now = value))
        return now === wanted
      })
    }
    await wait(false)
    expect(await check()).toMatchObject({ ok: true, reachable: false, entries: 2 })
    expect((await call(gateway.opsUrl, { path: '/metrics' })).text).toMatch(
      /memory_gateway_revocation_entries 2\n[^]*memory_gateway_revocation_reachable 0\n/,
    )
    expect(await statusOf(mallory)).toBe(401)
    writeFileSync(file, 'no list\n')
    expect(await statusOf(mallory)).toBe(401)
    renameSync(`${file}.away`, file)
    await wait(true)
    expect(await check()).toMatchObject(healthy)
    expect(gateway.logLines.join('')).toContain('the last one stays in force')
  })

  test('takes out of the file what is long over, and leaves every other line as it is', async () => {
    const kept = readFileSync(file, 'utf8')
    const recent = `{"jti":"recent","until":${String(Math.round(Date.now() / 1000) - 60)}}\n`
    appendFileSync(file, `{"jti":"over","until":1000}\n${recent}`)
    await until(() => !readFileSync(file, 'utf8').includes('over'))
    expect(readFileSync(file, 'utf8')).toBe(`${kept}${recent}`)
    await until(() => readdirSync(folder).length === 1)
  })
})

test('no entry is lost that is added while others take out what is over, by a link that stays one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-revocations-'))
  try {
    const file = join(folder, 'list.jsonl')
    const link = join(folder, 'link.jsonl')
    writeFileSync(file, '')
    symlinkSync('list.jsonl', link)
    const stores = [openRevocationFile(link), openRevocationFile(link)]
    const names = Array.from({ length: 200 }, (_, n) => `jti-${String(n)}`)
    let isAdding = true
    const tidying = stores.map(async (store) => {
      while (isAdding) {
        appendFileSync(link, '{"jti":"over","until":1}\n')
        await store.removeOver(1_000)
      }
    })
    for (const jti of names) {
      await stores[0]?.add({ jti })
      appendFileSync(link, `{"jti":"${jti}-by-hand"}\n`)
    }
    isAdding = false
    await Promise.all(tidying)
    await stores[0]?.removeOver(1_000)
    const there = new Set((await openRevocationFile(file).read())?.map(({ jti }) => jti))
    expect(names.flatMap((jti) => [jti, `${jti}-by-hand`]).filter((jti) => !there.has(jti))).toEqual([])
    expect(there.has('over')).toBe(false)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['link.jsonl', 'list.jsonl'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('without a list at the start a gateway is not ready, and refuses tokens as unavailable; an added entry makes one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-revocations-'))
  const file = join(folder, 'revocations.jsonl')
  const gateway = await startTestGateway({
    cluster: { nodes: ['http://127.0.0.1:9'] },
    revocation: { file, interval: '50ms' },
  })
  try {
    const token = await gateway.token({ scopes: [] })
    const ask = () => call(gateway.url, { method: 'DELETE', path: '/api/memories/x', token })
    const refused = await ask()
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    expect(refused.text).toContain('Whether this token was revoked cannot be told at the moment')
    const { body } = await call(gateway.opsUrl, { path: '/readyz' })
    expect(body).toMatchObject({ checks: { revocation: { ok: false, reachable: false } } })
    await openRevocationFile(file).add({ jti: 'another' })
    await until(async () => (await ask()).status === 403)
  } finally {
    await gateway.close()
    rmSync(folder, { recursive: true })
  }
})
