import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Client, errors } from '@opensearch-project/opensearch'

import { plainCluster } from '../support/clusters.ts'
import { pathOf } from '../support/dialects.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'

describe("the cluster's official client, with the gateway for a node", () => {
  const memories = testMemories(plainCluster().url)
  const clients: Client[] = []
  let gateway: TestGateway
  let alice: Client
  let operator: Client

  const connect = (token: string | undefined, node = gateway.url): Client => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const client = new Client({ node, headers, maxRetries: 0 })
    clients.push(client)
    return client
  }

  beforeAll(async () => {
    await memories.putContainer('c', { owner: { name: 'alice' } })
    gateway = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      memory: { containerIndex: memories.containerIndex },
    })
    alice = connect(await gateway.token())
    operator = connect(await gateway.token({ subject: 'ops', scopes: ['opensearch:admin'] }))
  })
  afterAll(async () => {
    for (const client of clients) await client.close()
    await gateway.close()
    await memories.removeAll()
  })

  test('deletes a memory, and gets its receipt and its X-Opaque-Id back', async () => {
    await memories.putMemory('working', 'm', { memory_container_id: 'c', owner_id: 'alice' })
    const path = pathOf('opensearch', 'c', 'working', 'm')
    const answer = await alice.transport.request(
      { method: 'DELETE', path, querystring: { refresh: 'true' } },
      { opaqueId: 'cleanup-7' },
    )
    expect({ statusCode: answer.statusCode, body: answer.body as unknown }).toEqual({
      statusCode: 200,
      body: {
        _index: memories.indexOf('working'),
        _id: 'm',
        _version: 2,
        result: 'deleted',
        forced_refresh: true,
        _shards: { total: 2, successful: 1, failed: 0 },
        _seq_no: 1,
        _primary_term: 1,
      },
    })
    expect(answer.headers).toMatchObject({
      'x-opaque-id': 'cleanup-7',
      'x-opensearch-version': `OpenSearch/${plainCluster().version} (opensearch)`,
    })
    expect(await memories.hasMemory('working', 'm')).toBe(false)
  })

  test.each([
    ['a memory that is not there', 'alice', 404, 'status_exception', 'Memory not found'],
    [
      "another's memory",
      'bob',
      403,
      'status_exception',
      "User doesn't have permissions to delete memories in this container",
    ],
    [
      'no token',
      undefined,
      401,
      'security_exception',
      'Missing bearer token; send the header "Authorization: Bearer <token>"',
    ],
  ])('reads our refusal as the cluster’s (%s)', async (_, subject, statusCode, type, reason) => {
    const client = connect(subject === undefined ? undefined : await gateway.token({ subject }))
    const refused = client.transport.request({ method: 'DELETE', path: pathOf('opensearch', 'c', 'working', 'm') })
    const error: unknown = await refused.then(
      () => undefined,
      (reason_: unknown) => reason_,
    )
    expect(error).toBeInstanceOf(errors.ResponseError)
    expect(error).toMatchObject({
      statusCode,
      message: `${type}: [${type}] Reason: ${reason}`,
      body: { error: { type, reason }, status: statusCode },
    })
  })

  test('reads that the cluster cannot be reached as a 502', async () => {
    const lost = await startTestGateway({ cluster: { nodes: ['http://127.0.0.1:1'] } })
    const client = connect(await lost.token(), lost.url)
    const refused = client.transport.request({ method: 'DELETE', path: pathOf('opensearch', 'c', 'working', 'm') })
    const error: unknown = await refused.catch((reason: unknown) => reason)
    await lost.close()
    expect(error).toMatchObject({ statusCode: 502, body: { error: { type: 'bad_gateway_exception' } } })
  })

  test('passes through with opensearch:admin: info, index, search, bulk, errors', async () => {
    const { body: info } = await operator.info()
    expect(info).toMatchObject({ version: { number: plainCluster().version } })

    const index = `${memories.prefix}-notes`
    await operator.bulk({ refresh: true, body: [{ index: { _index: index, _id: '1' } }, { text: 'one' }] })
    const { body: found } = await operator.search({ index, body: { query: { match: { text: 'one' } } } })
    expect(found.hits.hits.map(({ _id }) => _id)).toEqual(['1'])
    expect((await operator.exists({ index, id: '1' })).body).toBe(true)
    expect((await operator.exists({ index, id: '2' })).body).toBe(false)
    await expect(operator.get({ index, id: '2' })).rejects.toBeInstanceOf(errors.ResponseError)
    await operator.indices.delete({ index })
  })

  test('gets nothing else without it', async () => {
    await expect(alice.info()).rejects.toMatchObject({ statusCode: 403 })
    await expect(alice.search({ index: '_all' })).rejects.toMatchObject({ statusCode: 403 })
  })
})
