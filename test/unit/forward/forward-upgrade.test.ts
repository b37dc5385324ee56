import { once } from 'node:events'
import { createServer, ServerResponse } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'

import { openClusterNodes } from '../../../src/core/cluster-nodes.ts'
import type { GatewayError } from '../../../src/core/failure.ts'
import type { UpgradingEngine } from '../../../src/forward/engine.ts'
import { forwardWithHttpProxyMiddleware } from '../../../src/forward/with-http-proxy-middleware.ts'
import { headOf, openCallers } from '../../support/upgrade-caller.ts'
import { until } from '../../support/until.ts'
import { acceptUpgrade, startWebSocketNode } from '../../support/websocket-node.ts'
import type { WebSocketNode } from '../../support/websocket-node.ts'

// What goes to a node, and when, of a caller who asks for an upgrade: the engine alone, between real sockets.

const callers = openCallers()
let node: WebSocketNode
let engine: UpgradingEngine
let server: Server
/** Of the requests that came, what the engine made of each. */
const results: string[] = []

beforeAll(async () => {
  node = await startWebSocketNode()
  const nodes = [node.url]
  engine = forwardWithHttpProxyMiddleware({
    nodes,
    choice: openClusterNodes({
      nodes,
      failures: 5,
      backoffMs: 1_000,
      maxBackoffMs: 1_000,
      silenceMs: 5_000,
      retries: { percent: 20, perSecond: 10 },
      now: () => performance.now(),
      random: () => 1,
    }),
    ca: undefined,
    clientCertificate: undefined,
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    silenceTimeoutMs: 5_000,
    maxConnections: 10,
  })
  server = createServer().on('upgrade', (request: IncomingMessage, _stream, early: Buffer) => {
    const { socket } = request
    if (early.length > 0) socket.unshift(early)
    const response = new ServerResponse(request)
    response.assignSocket(socket)
    void engine.forwardUpgrade(request, response, ['host', 'x'], { protocol: 'websocket', socket }).then(
      () => results.push('answered'),
      (error: unknown) => {
        results.push((error as GatewayError).code)
        socket.destroy()
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  callers.leave()
  await until(() => node.sockets.size === 0)
  node.reset()
  results.splice(0)
})
afterAll(async () => {
  server.close()
  await Promise.all([engine.close(), node.close()])
})

const url = (): string => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
const ask = (more = '') => callers.open({ url: url() }, `${headOf(undefined, 'GET /live HTTP/1.1')}${more}`)

test('what comes before the 101 gets there after it, all of it and in order, with what comes later', async () => {
  let answer: () => void = () => undefined
  let got = ''
  node.onUpgrade((socket, request) => {
    socket.on('data', (part: Buffer) => (got += part.toString()))
    answer = () => acceptUpgrade(socket, request)
  })
  const caller = ask('with the headers, ')
  caller.socket.write('early, ')
  await until(() => node.sockets.size === 1)
  expect(node.bytes()).toBe(0)
  answer()
  await until(() => caller.status() === 101)
  caller.socket.write('and late')
  await until(() => got === 'with the headers, early, and late')
})

test('a node that switches to what nobody asked for gets nothing of it', async () => {
  node.onUpgrade((socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  })
  const caller = ask('PRI * HTTP/2.0')
  await until(() => results.length === 1 && caller.closed())
  expect(results).toEqual(['upstreamUnavailable'])
  expect(caller.text()).toBe('')
  await until(() => node.sockets.size === 0)
  expect(node.bytes()).toBe(0)
})
