import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { makeCertificates } from '../../src/local-cluster/certificates.ts'
import type { Certificates } from '../../src/local-cluster/certificates.ts'
import { call } from '../support/call.ts'
import type { Reply } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { deleteIn, errorBody } from '../support/dialects.ts'
import { bulk, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { GatewayOverrides, TestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'
import { testMemories } from '../support/memories.ts'
import { sharedServerNames, startSharedServer } from '../support/shared-servers.ts'
import type { SharedServer } from '../support/shared-servers.ts'

// The server that gateways share fails: only those calls are refused that cannot do without it.

const memories = testMemories(plainCluster().url)
const OWN = { memory_container_id: 'c', owner_id: 'alice' }
const PASSWORD = 'not-a-secret'
const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-shared-'))
let certificates: Certificates
let proxy: FaultProxy

beforeAll(async () => {
  certificates = await makeCertificates(folder)
  proxy = await startFaultProxy(plainCluster().url)
  await memories.putContainer('c', { owner: { name: 'alice' } })
})
afterEach(() => proxy.reset())
afterAll(async () => {
  await proxy.close()
  await memories.removeAll()
  rmSync(folder, { recursive: true })
})

function start(sharedState: GatewayOverrides['sharedState'], limits: GatewayOverrides['limits'] = {}) {
  return startTestGateway({
    cluster: { nodes: [proxy.url] },
    memory: { containerIndex: memories.containerIndex },
    sharedState: { timeout: '200ms', ...sharedState },
    limits,
  })
}

const removeAt = (gateway: TestGateway, id: string, key?: string): Promise<Reply> =>
  deleteIn('opensearch', gateway, {
    container: 'c',
    type: 'working',
    id,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })

const UNAVAILABLE = {
  status: 503,
  body: errorBody('opensearch', 503, {
    type: 'service_unavailable_exception',
    reason: 'Whether a request with this Idempotency-Key was made before cannot be told at the moment; try again later',
  }),
}

async function isReachable({ opsUrl }: TestGateway): Promise<unknown> {
  const { body } = await call(opsUrl, { path: '/readyz' })
  return (body as { checks: { sharedState: { reachable: boolean } } }).checks.sharedState.reachable
}

/** Resolves when calls with a key are taken again. */
async function whenBack(gateway: TestGateway, name: string): Promise<void> {
  let tries = 0
  await until(async () => (await removeAt(gateway, 'none', `${name}-${String(tries++)}`)).status !== 503)
}

describe.each(sharedServerNames())('a %s server with a password, over TLS', (name) => {
  let server: SharedServer
  let gateway: TestGateway
  beforeAll(async () => {
    const { ca, node, client } = certificates
    server = await startSharedServer(name, { password: PASSWORD, tls: { ca, server: node, client } })
    gateway = await start({ url: server.url, password: PASSWORD, tls: { ca, ...client } })
    await whenBack(gateway, 'first')
  })
  afterAll(async () => {
    server.resume()
    await gateway.close()
    await server.close()
  })

  const remove = (id: string, key?: string): Promise<Reply> => removeAt(gateway, id, key)
  /** Deletes a memory with a key of the same name; its answer is kept. */
  async function removeKept(id: string): Promise<Reply> {
    await memories.putMemory('working', id, OWN)
    const answer = await remove(id, id)
    expect(answer.status).toBe(200)
    return answer
  }
  async function expectKeysRefused(id: string): Promise<void> {
    await memories.putMemory('working', id, OWN)
    const { status, headers, body } = await remove(id, `new-${id}`)
    expect({ status, body }).toEqual(UNAVAILABLE)
    expect(headers['retry-after']).toBe('1')
    expect(await memories.hasMemory('working', id)).toBe(true)
    expect((await remove(id)).status).toBe(200)
  }

  test('keeps answers', async () => {
    const first = await removeKept('kept')
    const again = await remove('kept', 'kept')
    expect([again.text, again.headers['idempotent-replayed']]).toEqual([first.text, 'true'])
  })

  test.each([
    ['whose password is another', /WRONGPASS/, () => ({ password: 'another' })],
    ['whose certificate is of an authority that nobody named', /causes/, () => ({ tls: certificates.client })],
    ['that gets no certificate of ours', /Socket closed unexpectedly/, () => ({ tls: { ca: certificates.ca } })],
  ])('%s is one that is away, and the log says why', async (_, why, differs) => {
    const { ca, client } = certificates
    // Long enough for a handshake on a busy machine: what is asked for is the server's own reason.
    const shared = { url: server.url, password: PASSWORD, tls: { ca, ...client }, timeout: '5s' }
    const stranger = await start({ ...shared, ...differs() })
    try {
      const reason = (): string | undefined => stranger.logLines.find((line) => line.includes('sharedStateDown'))
      await until(() => reason() !== undefined)
      expect(reason()).toMatch(why)
      expect(await isReachable(stranger)).toBe(false)
      expect(await removeAt(stranger, 'none', 'k').then(({ status }) => status)).toBe(503)
      expect((await removeAt(stranger, 'none')).status).toBe(404)
    } finally {
      await stranger.close()
    }
  })

  test('that is killed refuses calls with a key at once, and no others; it is found again, and has forgotten', async () => {
    await removeKept('before')
    await server.kill()
    await expectKeysRefused('killed')
    expect((await call(gateway.opsUrl, { path: '/readyz' })).body).toMatchObject({
      status: 'ready',
      checks: { sharedState: { ok: true, reachable: false } },
    })
    await server.start()
    await whenBack(gateway, 'killed')
    const decidedAnew = await remove('before', 'before')
    expect([decidedAnew.status, decidedAnew.headers['idempotent-replayed']]).toEqual([404, undefined])
    expect(gateway.logLines.join('')).not.toContain(PASSWORD)
  })

  test('that does not answer refuses calls with a key, and no others; it is found again, and has not forgotten', async () => {
    await removeKept('remembered')
    server.pause()
    await expectKeysRefused('paused')
    server.resume()
    await whenBack(gateway, 'paused')
    expect((await remove('remembered', 'remembered')).headers['idempotent-replayed']).toBe('true')
  })

  test('that is lost while a delete is under way: the answer is true, and not kept', async () => {
    await memories.putMemory('working', 'lost', OWN)
    const held = proxy.hold(bulk)
    const answer = remove('lost', 'lost')
    await held.arrived
    await server.kill()
    held.release()
    expect((await answer).status).toBe(200)
    expect(gateway.logLines.some((line) => line.includes('answerNotKept'))).toBe(true)
    await server.start()
    await whenBack(gateway, 'lost')
  })

  test('whose memory is full refuses calls with a key, and forgets none', async () => {
    await removeKept('not-evicted')
    server.command('config', 'set', 'maxmemory', '1')
    try {
      await expectKeysRefused('full')
    } finally {
      server.command('config', 'set', 'maxmemory', '0')
    }
    expect((await remove('not-evicted', 'not-evicted')).headers['idempotent-replayed']).toBe('true')
  })

  test('that evicts has forgotten what it evicted: such a call is decided anew', async () => {
    await removeKept('evicted')
    server.command('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    server.command('config', 'set', 'maxmemory', '1')
    try {
      await expectKeysRefused('evicting')
    } finally {
      server.command('config', 'set', 'maxmemory', '0')
      server.command('config', 'set', 'maxmemory-policy', 'noeviction')
    }
    const decidedAnew = await remove('evicted', 'evicted')
    expect([decidedAnew.status, decidedAnew.headers['idempotent-replayed']]).toEqual([404, undefined])
  })
})

/** How far a server is, in bytes of what primaries send to their copies. */
function offsetOf(server: SharedServer, field: 'master_repl_offset' | 'slave_repl_offset'): number {
  const { [1]: offset } = new RegExp(`^${field}:(\\d+)`, 'm').exec(server.command('info', 'replication')) ?? []
  if (offset === undefined) throw new Error(`there is no ${field}`)
  return Number(offset)
}

describe.each(sharedServerNames())('%s servers of which another becomes the primary', (name) => {
  let one: SharedServer
  let two: SharedServer
  let address: Awaited<ReturnType<typeof openAddress>>
  let gateway: TestGateway
  beforeAll(async () => {
    one = await startSharedServer(name)
    two = await startSharedServer(name)
    two.command('replicaof', '127.0.0.1', String(one.port))
    await until(() => two.command('info', 'replication').includes('master_link_status:up'))
    address = await openAddress(one.port)
    gateway = await start({ url: address.url }, { deletes: { perMinute: 1_000 } })
    await whenBack(gateway, 'first')
  })
  afterAll(async () => {
    await gateway.close()
    await address.close()
    await one.close()
    await two.close()
  })

  test('are followed, though the old connection stands; what was kept and copied is known', async () => {
    await memories.putMemory('working', 'copied', OWN)
    expect((await removeAt(gateway, 'copied', 'copied')).status).toBe(200)
    // Not WAIT: that is about what its own connection wrote.
    const written = offsetOf(one, 'master_repl_offset')
    await until(() => offsetOf(two, 'slave_repl_offset') >= written)
    two.command('replicaof', 'no', 'one')
    one.command('replicaof', '127.0.0.1', String(two.port))
    address.leadTo(two.port)
    // The first write finds out; nobody without a key hears of it.
    expect((await removeAt(gateway, 'none', 'between')).status).toBe(503)
    expect((await removeAt(gateway, 'none')).status).toBe(404)
    await whenBack(gateway, 'after')
    expect((await removeAt(gateway, 'copied', 'copied')).headers['idempotent-replayed']).toBe('true')
  })
})

test.each(sharedServerNames())(
  'deletes are still counted, by each gateway for itself, while the %s server is away',
  async (name) => {
    const server = await startSharedServer(name)
    const gateway = await start({ url: server.url }, { deletes: { perMinute: 2 } })
    try {
      await server.kill()
      const statuses = []
      for (let asked = 0; asked < 3; asked++) statuses.push((await removeAt(gateway, 'x')).status)
      expect(statuses).toEqual([404, 404, 429])
    } finally {
      await gateway.close()
      await server.close()
    }
  },
)

/** An address that stays while the server behind it changes, as a name or a virtual IP does in a failover. */
async function openAddress(port: number) {
  const sockets = new Set<Socket>()
  let target = port
  const server = createServer((caller) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [caller, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    caller.pipe(upstream).pipe(caller)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    leadTo: (other: number) => void (target = other),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
