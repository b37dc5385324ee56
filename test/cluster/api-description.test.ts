import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { call } from '../support/call.ts'
import { DESCRIPTION } from '../support/api-description.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { undescribed } from '../contract/described.ts'
import { parse } from 'yaml'

let gateway: TestGateway
let closed: TestGateway
beforeAll(async () => {
  const cluster = { nodes: [plainCluster().url] }
  gateway = await startTestGateway({ cluster })
  closed = await startTestGateway({ cluster, ops: { port: 0, token: 'ops-token-of-16-and-more' } })
})
afterAll(async () => {
  await gateway.close()
  await closed.close()
})

test('the ops port gives the description out, as YAML and as JSON', async () => {
  const yaml = await call(gateway.opsUrl, { path: '/openapi.yaml' })
  expect([yaml.status, yaml.headers['content-type'], parse(yaml.text)]).toEqual([200, 'application/yaml', DESCRIPTION])
  const json = await call(gateway.opsUrl, { path: '/openapi.json' })
  expect([json.status, json.headers['content-type'], json.body]).toEqual([200, 'application/json', DESCRIPTION])
})

test('its page loads nothing from elsewhere: each file is there, with its content type and a strict policy', async () => {
  const page = await call(gateway.opsUrl, { path: '/docs' })
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  const named = [...page.text.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, one = '']) => one)
  const files = named.filter((one) => one !== 'data:,')
  expect(files).toEqual(['docs/swagger-ui.css', 'docs/contrast.css', 'docs/swagger-ui-bundle.js', 'docs/start.js'])
  for (const reply of [page, ...(await Promise.all(files.map((file) => call(gateway.opsUrl, { path: `/${file}` }))))]) {
    expect(reply.status).toBe(200)
    const policy = String(reply.headers['content-security-policy'])
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /)
    expect(policy).not.toContain('unsafe')
    expect(reply.headers['x-content-type-options']).toBe('nosniff')
  }
  // No script and no style in the page itself, which the policy would refuse.
  expect(page.text).not.toMatch(/<style|style=|<script(?! src=)|\son\w+=/)
  const [style, contrast, bundle, start] = await Promise.all(
    files.map((file) => call(gateway.opsUrl, { path: `/${file}` })),
  )
  expect([style, contrast, bundle, start].map((one) => one?.headers['content-type']?.split(';')[0])).toEqual([
    'text/css',
    'text/css',
    'text/javascript',
    'text/javascript',
  ])
  // What a style sheet loads stands in it.
  const loaded = [...`${style?.text ?? ''}${contrast?.text ?? ''}`.matchAll(/url\(["']?([^)"']{0,5})/g)].map(
    ([, one]) => one,
  )
  expect(new Set(loaded)).toEqual(new Set(['data:']))
  expect(start?.text).toContain("url: 'openapi.json'")
  expect(bundle?.text).toContain('SwaggerUIBundle')
})

test('the public keys of receipts are as it says', async () => {
  const path = '/.well-known/memory-gateway/jwks.json'
  const reply = await call(gateway.url, { path })
  expect([reply.status, undescribed({ method: 'GET', target: path }, reply)]).toEqual([200, []])
})

test('with ops.token it needs none, which a browser would not send; what is of this gateway does; all answer as it says', async () => {
  const headers = { authorization: 'Bearer ops-token-of-16-and-more' }
  for (const path of ['/openapi.yaml', '/openapi.json', '/docs', '/docs/start.js']) {
    const open = await call(closed.opsUrl, { path })
    const same = await call(gateway.opsUrl, { path })
    expect([open.status, open.text === same.text]).toEqual([200, true])
    expect(undescribed({ method: 'GET', target: path }, open)).toEqual([])
  }
  for (const path of ['/config', '/status', '/activity', '/decisions', '/erasures']) {
    const refused = await call(closed.opsUrl, { path })
    expect([refused.status, undescribed({ method: 'GET', target: path }, refused)]).toEqual([401, []])
    expect((await call(closed.opsUrl, { path, headers })).status).not.toBe(401)
  }
  const json = { 'content-type': 'application/json' }
  const asked = [
    { path: '/livez' },
    { path: '/readyz' },
    { path: '/metrics' },
    { path: '/config' },
    { path: '/status' },
    { path: '/activity' },
    { path: '/activity?minutes=60' },
    { path: '/activity?minutes=7' },
    { path: '/decisions' },
    { path: '/page/main.js' },
    { path: '/page/none.js' },
    // Nobody said where this gateway's configuration was read.
    { path: '/reload', method: 'POST', headers: json, body: '{}' },
    { path: '/explain', method: 'POST', headers: json, body: '{"method":"DELETE","path":"/api/memories/m1"}' },
    { path: '/explain', method: 'POST', headers: json, body: '{}' },
    { path: '/explain', method: 'POST', body: '{}' },
    { path: '/explain', method: 'POST', headers: { ...json, host: 'elsewhere.example' }, body: '{}' },
  ]
  const replies = await Promise.all(asked.map((one) => call(gateway.opsUrl, one)))
  expect(replies.map(({ status }) => status)).toEqual([
    200, 200, 200, 200, 200, 200, 200, 400, 404, 200, 404, 422, 200, 400, 415, 421,
  ])
  for (const [position, { path, method = 'GET' }] of asked.entries()) {
    const reply = replies[position]
    if (reply === undefined) throw new Error('each has its reply')
    expect([reply.headers['cache-control'], undescribed({ method, target: path }, reply)]).toEqual(['no-store', []])
  }
})
