import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

import { afterEach, expect, test } from '@jest/globals'

import { plainCluster } from '../support/clusters.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import { until } from '../support/key-server.ts'

const others: Server[] = []
let proxy: FaultProxy | undefined

afterEach(async () => {
  for (const other of others.splice(0)) other.close()
  await proxy?.close()
})

/** A port that somebody listens on, or would: free again at once where it is closed. */
async function somebodyListens(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  others.push(server)
  return (server.address() as AddressInfo).port
}

test.each(['listen', 'ops'] as const)(
  'a port that is taken (%s): a clear message, and nothing is left behind',
  async (which) => {
    proxy = await startFaultProxy(plainCluster().url)
    const taken = await somebodyListens()
    const other = await somebodyListens()
    others.pop()?.close()
    const ports = { listen: { port: other }, ops: { port: other }, [which]: { port: taken } }
    const started = startTestGateway({ cluster: { nodes: [proxy.url] }, ...ports })
    await expect(started).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${String(taken)}: the port is in use; stop what listens there, or set another port (0 takes a free one)`,
    )
    // The other port is free again: the process could end.
    const again = createServer().listen(other, '127.0.0.1')
    others.push(again)
    await once(again, 'listening')
    const { port } = again.address() as AddressInfo
    expect(port).toBe(other)
    // And nobody asks the cluster any more.
    const connections = proxy.openConnections
    await until(() => connections() === 0)
  },
)
