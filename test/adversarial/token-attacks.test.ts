import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import type { ConfigInput } from '../../src/config/schema.ts'
import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { serving, startKeyServer } from '../support/key-server.ts'
import type { KeyServer } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { makeTokenWorld } from '../support/token-builder.ts'
import type { WorldIssuer } from '../support/token-builder.ts'
import { tokenAttacks } from '../vectors/token-attacks.ts'
import type { AttackRequest } from '../vectors/token-attacks.ts'

// Every attack of the list, sent to a running gateway in front of a real cluster, in both dialects: not one deletes anything.

const world = makeTokenWorld()
const memories = testMemories(plainCluster().url)
const OPENSEARCH = '/_plugins/_ml/memory_containers/c/memories/working/canary'
const LEGACY = '/api/memories/canary'
let keyServer: KeyServer
let gateway: TestGateway

function configured(issuer: WorldIssuer): ConfigInput['auth']['issuers'][number] {
  return {
    issuer: issuer.issuer,
    audience: [world.audience, 'memory-gateway-too'],
    algorithms: [...issuer.algorithms] as ('ES256' | 'HS256')[],
    ...(issuer.secret === undefined
      ? { jwks: { uri: keyServer.origin + issuer.path } }
      : { secret: Buffer.from(issuer.secret).toString('base64url') }),
    requiredClaims: [...world.requiredClaims],
    types: ['JWT', 'at+jwt'],
    namePrefix: issuer.namePrefix,
  }
}

interface Answer {
  readonly status: number
  readonly challenge: string | undefined
  readonly body: string
}

/** A flat list of headers goes out as it is; client libraries would join what comes twice, or refuse it. */
function send(path: string, { headers, target = '' }: AttackRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const raw = ['host', new URL(gateway.url).host, ...headers.flat()]
    const outgoing = httpRequest(gateway.url + path + target, { method: 'DELETE', headers: raw }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'], body }),
      )
    })
    outgoing.on('error', reject).end()
  })
}

beforeAll(async () => {
  keyServer = await startKeyServer(serving(world.documents()))
  await memories.putContainer('c')
  await memories.putMemory('working', 'canary', { memory_container_id: 'c', owner_id: 'alice' })
  gateway = await startTestGateway({
    cluster: { nodes: [plainCluster().url] },
    auth: { issuers: world.issuers.map(configured) },
    memory: { containerIndex: memories.containerIndex },
    legacy: { container: 'c' },
  })
})

afterAll(async () => {
  await gateway.close()
  await keyServer.close()
  await memories.removeAll()
})

describe('a token attack deletes nothing', () => {
  test.each(tokenAttacks)('$threat: $name', async ({ build, status }) => {
    const attack = await build(world)
    const askedBefore = keyServer.requests()
    const answer = await send(OPENSEARCH, attack)
    const legacy = await send(LEGACY, attack)

    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({ status, error: { type: expect.stringMatching(/_exception$/) } })
    expect(answer.challenge).toMatch(/^Bearer realm="/)
    expect(legacy.status).toBe(status)
    const { error } = JSON.parse(legacy.body) as { error: string }
    if (status === 401) expect(error).toBe('Unauthorized')
    expect(keyServer.requests()).toBe(askedBefore)
    expect(await memories.hasMemory('working', 'canary')).toBe(true)
  })

  test('no token, and no part of one, is in any log line', async () => {
    const attacks = await Promise.all(tokenAttacks.map(({ build }) => build(world)))
    const secrets = attacks
      .flatMap(({ headers, target }) => [...headers.map(([, value]) => value), target ?? ''])
      .flatMap((text) => text.split(/[\s=.,&?]/))
      .filter((part) => part.length >= 20)
    const log = gateway.logLines.join('')
    expect(secrets.length).toBeGreaterThan(100)
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([])
  })
})

// Last: it takes the canary.
test('the token that the attacks start from does delete', async () => {
  const answer = await send(OPENSEARCH, { headers: [['authorization', `Bearer ${world.token()}`]] })
  expect(answer.status).toBe(200)
  expect(await memories.hasMemory('working', 'canary')).toBe(false)
})
