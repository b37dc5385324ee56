import { plainCluster } from '../support/clusters.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import type { TestMemories } from '../support/memories.ts'
import type { LegacyRequest } from '../vectors/legacy-requests.ts'
import { ask } from './ask.ts'
import type { AskedAnswer } from './ask.ts'
import { startCountingProxy } from './counting-proxy.ts'
import type { CountingProxy } from './counting-proxy.ts'

export const JSON_TYPE = 'application/json; charset=UTF-8'
export const DELETED = { status: 200, type: JSON_TYPE, body: '{"message":"Memory deleted"}' }

/** An error as the MemoryPlugin API words it, to compare with {@link inShort}. */
export function words(status: number, error: string): { status: number; type: string; body: string } {
  return { status, type: JSON_TYPE, body: JSON.stringify({ error }) }
}

export function inShort({ status, headers, text }: AskedAnswer): object {
  return { status, type: headers['content-type'], body: text }
}

/** The containers of alice and bob on one index prefix, and a gateway for legacy apps, with a proxy between it and the cluster. */
export interface LegacyWorld {
  readonly memories: TestMemories
  readonly proxy: CountingProxy
  readonly gateway: TestGateway
  /** Of alice, with `memory:delete`. */
  readonly token: string
  /** Another gateway on the same cluster. */
  start(overrides: Omit<GatewayOverrides, 'cluster'>): Promise<TestGateway>
  /** Stores a memory of alice's in her container. */
  putOwn(type: Parameters<TestMemories['putMemory']>[0], id: string): Promise<void>
  /** Asks as alice, or with other headers. */
  ask(
    request: Pick<LegacyRequest, 'method' | 'target'>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<AskedAnswer>
  /** Deletes as alice, or with another token; in short. */
  remove(id: string, token?: string): Promise<object>
  close(): Promise<void>
}

export async function openLegacyWorld(): Promise<LegacyWorld> {
  const memories = testMemories(plainCluster().url)
  const proxy = await startCountingProxy(plainCluster().url)
  await memories.putContainer('alices', { owner: { name: 'alice' } })
  await memories.putContainer('bobs', { owner: { name: 'bob' } })
  const start: LegacyWorld['start'] = (overrides) =>
    startTestGateway({
      cluster: { nodes: [proxy.url] },
      memory: { containerIndex: memories.containerIndex },
      ...overrides,
    })
  const gateway = await start({ legacy: { container: 'alices' } })
  const token = await gateway.token()

  const asked: LegacyWorld['ask'] = ({ method, target }, headers = bearer(token)) =>
    ask(gateway.url, { method, target, headers })
  return {
    memories,
    proxy,
    gateway,
    token,
    start,
    putOwn: (type, id) => memories.putMemory(type, id, { memory_container_id: 'alices', owner_id: 'alice' }),
    ask: asked,
    remove: async (id, other = token) =>
      inShort(await asked({ method: 'DELETE', target: `/api/memories/${id}` }, bearer(other))),
    async close() {
      await gateway.close()
      await memories.removeAll()
      await proxy.close()
    },
  }
}

export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` }
}
