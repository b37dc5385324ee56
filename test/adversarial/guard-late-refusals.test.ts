import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startLenientUpstream } from '../support/lenient-upstream.ts'
import type { LenientUpstream } from '../support/lenient-upstream.ts'
import { sendRaw } from '../support/raw-http.ts'
import { until } from '../support/until.ts'
import { NDJSON_HEADER, wireOf } from '../vectors/guard-spelling.ts'

const ENGINES = ['undici', 'http-proxy-middleware'] as const
const stem = `gl${randomBytes(4).toString('hex')}`
const open = `${stem}-open`
const LINES = 8_000

/** Lines that do not compress, so that the body is long however it travels; the last one is out of reach. */
function lateBulk(): string {
  const own = Array.from(
    { length: LINES / 2 },
    () => `{"index":{"_index":"${open}"}}\n{"text":"${randomBytes(48).toString('base64')}"}\n`,
  )
  return `${own.join('')}{"index":{"_index":"${stem}-memory-working"}}\n{"text":"x"}\n`
}

const forms = (body: string): readonly (readonly [says: string, form: Parameters<typeof wireOf>[0]])[] => {
  const bulk = { row: 'index named another way', method: 'POST', target: '/_bulk', headers: [NDJSON_HEADER], body }
  const gzip = { ...bulk, headers: [NDJSON_HEADER, 'Content-Encoding: gzip'], body: gzipSync(body) }
  return [
    ['with its length', bulk],
    ['chunked', { ...bulk, chunkBytes: 10_000 }],
    ['compressed', gzip],
    ['compressed and chunked', { ...gzip, chunkBytes: 1_000 }],
    // Found out only at the very end, and so only by what is held back until then.
    ['without a newline at its end', { ...bulk, body: body.slice(0, body.lastIndexOf('{"text')).trimEnd() }],
  ]
}

describe.each(ENGINES)('a line far down that is out of reach, with the engine %s', (engine) => {
  const cluster = plainCluster().url
  let upstream: LenientUpstream
  let toLenient: TestGateway
  let toCluster: TestGateway
  let authorization: string
  let onCluster: string

  const authorized = async (gateway: TestGateway): Promise<string> =>
    `Authorization: Bearer ${await gateway.token({ scopes: ['opensearch:read', 'opensearch:write'] })}`

  beforeAll(async () => {
    upstream = await startLenientUpstream([open])
    toLenient = await startTestGateway({ cluster: { nodes: [upstream.url], passThrough: { engine } } })
    toCluster = await startTestGateway({ cluster: { nodes: [cluster], passThrough: { engine } } })
    authorization = await authorized(toLenient)
    onCluster = await authorized(toCluster)
  })
  afterEach(() => upstream.reset())
  afterAll(async () => {
    await toLenient.close()
    await toCluster.close()
    await upstream.close()
    await call(cluster, { method: 'DELETE', path: `/${open}` })
  })

  test.each(forms(lateBulk()))('%s: refused with its line, and nothing has run', async (_says, form) => {
    const reply = await sendRaw(toCluster.url, wireOf(form, [onCluster]))
    expect(reply.statuses.at(-1)).toBe(403)
    expect(reply.text).toContain(`(line ${String(LINES + 1)} of the body)`)
    expect((await call(cluster, { method: 'HEAD', path: `/${open}` })).status).toBe(404)
  })

  test.each(forms(lateBulk()))('%s: the node sees it broken off', async (_says, form) => {
    const wire = Buffer.from(wireOf(form, [authorization]))
    const socket = connect(Number(new URL(toLenient.url).port), '127.0.0.1')
    try {
      const replied = once(socket, 'data') as Promise<[Buffer]>
      socket.write(wire.subarray(0, 200_000))
      // So much of it is enough for the node to be asked.
      await until(() => upstream.underWay().some((line) => line.includes('/_bulk')))
      socket.write(wire.subarray(200_000))
      expect(String(await replied)).toContain('HTTP/1.1 403')
    } finally {
      socket.destroy()
    }
    await until(() => upstream.requests.some(({ line }) => line.includes('/_bulk')))
    const bulks = upstream.requests.filter(({ line }) => line.includes('/_bulk'))
    expect(bulks.map(({ isWhole }) => isWhole)).toEqual([false])
  })

  test('near the top, the node does not see it at all, and the connection goes on', async () => {
    const body = `{"delete":{"_index":"${stem}-memory-working","_id":"1"}}\n`
    const bulk = { row: '', method: 'POST', target: '/_bulk', headers: [NDJSON_HEADER], body }
    const refused = Buffer.from(wireOf(bulk, [authorization]))
      .toString('latin1')
      .replace('Connection: close\r\n', '')
    const next = Buffer.from(wireOf({ row: '', method: 'GET', target: `/${open}/_doc/1` }, [authorization])).toString(
      'latin1',
    )
    const { statuses } = await sendRaw(toLenient.url, refused + next)
    expect(statuses).toEqual([403, 200])
    const seen = upstream.requests.map(({ line }) => line)
    expect(seen.filter((line) => line.includes('_bulk'))).toEqual([])
    expect(seen.filter((line) => line.includes('_doc'))).toHaveLength(1)
  })

  test('far down, the connection goes on too', async () => {
    const [, [, form] = []] = forms(lateBulk())
    if (form === undefined) throw new Error('no form')
    const refused = Buffer.from(wireOf(form, [authorization]))
      .toString('latin1')
      .replace('Connection: close\r\n', '')
    const next = Buffer.from(wireOf({ row: '', method: 'GET', target: `/${open}/_doc/1` }, [authorization])).toString(
      'latin1',
    )
    expect((await sendRaw(toLenient.url, refused + next)).statuses).toEqual([403, 200])
  })
})
