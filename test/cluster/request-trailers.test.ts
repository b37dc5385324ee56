import { afterAll, afterEach, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'

// What goes on, byte for byte, is in engine-faults.test.ts; this is what the server makes of it.

const memories = testMemories(plainCluster().url)
const index = `${memories.prefix}-trailers`
const gateways: TestGateway[] = []

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close()
})
afterAll(() => memories.ask('DELETE', `/${index}`))

test.each(['undici', 'http-proxy-middleware'] as const)(
  'with the engine %s OpenSearch takes a request with trailers as it takes one without',
  async (engine) => {
    const gateway = await startTestGateway({ cluster: { nodes: [plainCluster().url], passThrough: { engine } } })
    gateways.push(gateway)
    const headers = [
      `Authorization: Bearer ${await gateway.token({ scopes: ['opensearch:write'] })}`,
      ...['Content-Type: application/x-ndjson', 'Transfer-Encoding: chunked', 'Trailer: X-Sum'],
    ]
    const lines = `{"create":{"_index":"${index}","_id":"${engine}"}}\n{"a":1}\n`
    const chunks = `${lines.length.toString(16)}\r\n${lines}\r\n0\r\nX-Sum: 7\r\nContent-Type: text/plain\r\n\r\n`
    const { statuses, text } = await sendRaw(gateway.url, rawRequest('POST /_bulk', headers, chunks))
    expect(statuses).toEqual([200])
    expect(text).toMatch(/"errors":false,/)
    const { body } = await memories.ask('GET', `/${index}/_source/${engine}`)
    expect(body).toEqual({ a: 1 })
  },
)
