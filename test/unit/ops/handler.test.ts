import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, describe, expect, test } from '@jest/globals'

import { createOpsHandler } from '../../../src/ops/handler.ts'
import type { OpsRoute } from '../../../src/ops/route.ts'
import { call } from '../../support/call.ts'
import type { Call } from '../../support/call.ts'

const TOKEN = 'ops-token-of-16-and-more'
const JSON_TYPE = { 'content-type': 'application/json' }
let close: () => void = () => undefined
afterEach(() => close())

/** Asks a port with a probe, and a resource that can be read and changed. */
async function open(access: { host: string; token?: string }) {
  const changes: unknown[] = []
  const failures: unknown[] = []
  const routes: readonly OpsRoute[] = [
    { method: 'GET', path: '/probe', isOpen: true, answer: () => ({ status: 200, body: 'ok', contentType: 'text/x' }) },
    { method: 'GET', path: '/things', answer: ({ query }) => ({ status: 200, body: { of: query.get('of') } }) },
    { method: 'POST', path: '/things', answer: ({ json }) => ({ status: 201, body: { length: changes.push(json) } }) },
    { method: 'GET', path: '/things/{id}/parts/{part}', answer: ({ params }) => ({ status: 200, body: params }) },
    { method: 'POST', path: '/things/{id}', answer: ({ params }) => ({ status: 200, body: params }) },
    {
      method: 'DELETE',
      path: '/things',
      answer: () => {
        throw new Error('a secret')
      },
    },
  ]
  const onFailure = (error: unknown): void => void failures.push(error)
  const server = createServer(
    createOpsHandler({ routes, access: () => ({ host: access.host, token: access.token }), onFailure }),
  )
  close = () => server.close()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  return { ask: (one: Call) => call(url, one), changes, failures }
}

describe('on loopback', () => {
  test('a row answers its method, HEAD with GET; other methods and paths are told so', async () => {
    const { ask } = await open({ host: '127.0.0.1' })
    const read = await ask({ path: '/things?of=1&more' })
    expect([read.status, read.body, read.headers['cache-control']]).toEqual([200, { of: '1' }, 'no-store'])
    const head = await ask({ method: 'HEAD', path: '/things' })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(await ask({ path: '/probe' })).toMatchObject({ text: 'ok', headers: { 'content-type': 'text/x' } })
    const put = await ask({ method: 'PUT', path: '/things', headers: JSON_TYPE, body: '{}' })
    expect([put.status, put.headers.allow]).toEqual([405, 'GET, HEAD, POST, DELETE'])
    expect((await ask({ path: '/thing' })).status).toBe(404)
  })

  test('a row with names in its path takes any id there, and nothing that could be read as more', async () => {
    const { ask } = await open({ host: '127.0.0.1' })
    expect((await ask({ path: '/things/a-1/parts/B_2' })).body).toEqual({ id: 'a-1', part: 'B_2' })
    const post = { method: 'POST', headers: JSON_TYPE, body: '{}' }
    expect((await ask({ ...post, path: '/things/constructor?x' })).body).toEqual({ id: 'constructor' })
    expect((await ask({ path: '/things/a' })).headers.allow).toBe('POST')
    const none = ['/things/', '/things/a%2fb', '/things/a/parts', '/things/a/parts/b/', '/things/..', '/things/a;b']
    for (const path of none) expect((await ask({ ...post, path })).status).toBe(404)
  })

  test.each([
    ['what a form of a page may send', { 'content-type': 'text/plain' }, '{}', 415],
    ['no content type', {}, '{}', 415],
    ['a content type that only begins like it', { 'content-type': 'application/jsonp' }, '{}', 415],
    ['no JSON', JSON_TYPE, '{"token": secret}', 400],
    ['64 KiB and more', JSON_TYPE, `"${'x'.repeat(65_536)}"`, 413],
  ])('a call that changes something is refused with %s', async (_, headers, body, status) => {
    const { ask, changes } = await open({ host: '127.0.0.1' })
    const refused = await ask({ method: 'POST', path: '/things', headers, body })
    expect(refused.status).toBe(status)
    expect(refused.text).not.toContain('secret')
    expect((await ask({ method: 'DELETE', path: '/things' })).status).toBe(415)
    expect(changes).toEqual([])
  })

  test('JSON arrives parsed, an empty body as undefined', async () => {
    const { ask, changes } = await open({ host: '127.0.0.1' })
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const post = { method: 'POST', path: '/things', headers }
    expect((await ask({ ...post, body: '{"a":[1]}' })).status).toBe(201)
    expect((await ask({ ...post, body: '' })).status).toBe(201)
    expect(changes).toEqual([{ a: [1] }, undefined])
  })

  test('a row that throws is a 500 without its words, which go to the log', async () => {
    const { ask, failures } = await open({ host: '127.0.0.1' })
    const answer = await ask({ method: 'DELETE', path: '/things', headers: JSON_TYPE })
    expect([answer.status, answer.body]).toEqual([500, { error: 'This could not be done; see the log' }])
    expect(failures).toEqual([new Error('a secret')])
  })

  test('under the name of another host nothing but probes', async () => {
    const { ask } = await open({ host: '127.0.0.1' })
    const headers = { host: 'evil.example' }
    expect((await ask({ path: '/things', headers })).status).toBe(421)
    expect((await ask({ path: '/probe', headers })).status).toBe(200)
  })
})

describe('off loopback', () => {
  test.each([
    ['without ops.token', undefined, 403, 403],
    ['with ops.token', TOKEN, 401, 200],
  ])('%s', async (_, token, without, withIt) => {
    const { ask } = await open({ host: '0.0.0.0', ...(token === undefined ? {} : { token }) })
    expect((await ask({ path: '/probe' })).status).toBe(200)
    expect((await ask({ path: '/things' })).status).toBe(without)
    expect((await ask({ method: 'POST', path: '/things', headers: JSON_TYPE })).status).toBe(without)
    expect((await ask({ path: '/things', token: `${TOKEN}x` })).status).toBe(without)
    expect((await ask({ path: '/things', token: TOKEN })).status).toBe(withIt)
  })
})
