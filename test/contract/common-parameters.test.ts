import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { PARAMETER_CASES } from '../vectors/common-parameters.ts'
import type { ParameterCase } from '../vectors/common-parameters/shape.ts'
import { ask } from './ask.ts'
import type { AskedAnswer } from './ask.ts'
import { asTheGatewayWrites } from './server-writing.ts'
import { uncounted } from './uncounted.ts'

const CONTAINER = 'c'
const memories = testMemories(plainCluster().url)
// YAML folds its lines by their length, so both targets have the same: 50 characters and the container's id before the memory's.
const indexPrefix = memories.prefix.padEnd(50 + CONTAINER.length - '/-memory-working/_doc/'.length, 'x')
const index = `${indexPrefix}-memory-working`
let gateway: TestGateway
let token: string

beforeAll(async () => {
  await memories.ask('PUT', `/${index}`, { settings: { number_of_replicas: 0, refresh_interval: '100ms' } })
  await memories.putContainer(CONTAINER, { owner: { name: 'alice' }, configuration: { index_prefix: indexPrefix } })
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    memory: { containerIndex: memories.containerIndex },
  })
  token = await gateway.token()
})
afterAll(async () => {
  await gateway.close()
  await memories.ask('DELETE', `/${index}`)
  await memories.removeAll()
})

const clusterTarget = `/${index}/_doc/m`
const gatewayTarget = `/_plugins/_ml/memory_containers/${CONTAINER}/memories/working/m`

async function putMemory(): Promise<void> {
  const { status } = await memories.ask('PUT', clusterTarget, { memory_container_id: CONTAINER, owner_id: 'alice' })
  expect([200, 201]).toContain(status)
}

/** What a comparison looks at: numbers that count up with each write, and the path itself, stand for themselves. */
function comparable({ status, headers, text }: AskedAnswer, target: string): object {
  const body = asTheGatewayWrites(uncounted(text)).replaceAll(`[${target}]`, '[PATH]')
  return { status, type: headers['content-type'], version: headers['x-opensearch-version'], body }
}

async function askBoth({ query, headers = {} }: ParameterCase): Promise<{ cluster: object; gateway: AskedAnswer }> {
  await putMemory()
  const direct = await ask(plainCluster().url, { method: 'DELETE', target: clusterTarget + query, headers })
  await putMemory()
  const withToken = { authorization: `Bearer ${token}`, ...headers }
  const asked = await ask(gateway.url, { method: 'DELETE', target: gatewayTarget + query, headers: withToken })
  return { cluster: comparable(direct, clusterTarget), gateway: asked }
}

test('both targets have the same length', () => {
  expect(gatewayTarget).toHaveLength(clusterTarget.length)
})

describe.each(Object.entries(PARAMETER_CASES))('%s', (_, cases) => {
  const [same, different] = [cases.filter(isSame), cases.filter((one) => !isSame(one))]

  test.each(same)('$name: the gateway answers as the server does', async (one) => {
    const answers = await askBoth(one)
    expect(comparable(answers.gateway, gatewayTarget)).toEqual(answers.cluster)
  })

  if (different.length === 0) return
  test.each(different)('$name: the gateway differs on purpose', async (one) => {
    const answers = await askBoth(one)
    expect(comparable(answers.gateway, gatewayTarget)).not.toEqual(answers.cluster)
    expect(answers.gateway.status).toBe(one.differs?.status)
    expect(answers.gateway.text).toContain(one.differs?.reason)
    expect(answers.gateway.text).not.toContain('stack_trace')
  })
})

function isSame(one: ParameterCase): boolean {
  return one.differs === undefined
}
