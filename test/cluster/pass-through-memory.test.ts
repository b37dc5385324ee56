import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'

const MIB = 1_048_576
const IS_LONG = process.env['TEST_LONG'] === '1'
const ALLOWED_MIB = 64
const TOTAL_MIB = 1_024
/** After so much, what stays uncollected has come to its size: seen with bodies of any length, about 32 MiB of buffers, and the young generation. */
const WARM_UP_MIB = 128
const SAMPLE_MS = 10

let processes: GatewayProcesses
let upstream: Server
let received = 0

beforeAll(async () => {
  processes = await openGatewayProcesses(['opensearch:admin'])
  upstream = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
})
afterAll(async () => {
  await processes.close()
  upstream.closeAllConnections()
  upstream.close()
})

/** Swallows what it gets, and answers with as many MiB as the path says. */
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0
  for await (const part of request) bytes += (part as Buffer).length
  // The gateway asks nodes now and then whether they are well.
  if (request.url === '/take') received = bytes
  const mib = Number(/^\/give-(\d+)$/.exec(request.url ?? '')?.[1] ?? 0)
  if (mib === 0) response.setHeader('content-type', 'application/json').end('{}')
  else await pipeline(zeros(mib), response).catch(() => undefined)
}

function zeros(mib: number): Readable {
  const part = Buffer.alloc(65_536, '0')
  return Readable.from(
    (function* () {
      for (let sent = 0; sent < mib * MIB; sent += part.length) yield part
    })(),
  )
}

async function ask(gateway: GatewayProcess, method: string, path: string, uploadMib: number): Promise<number> {
  const request = httpRequest(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${processes.token}` },
  })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  if (uploadMib === 0) request.end()
  else await pipeline(zeros(uploadMib), request)
  const [response] = await answered
  expect(response.statusCode).toBe(200)
  let bytes = 0
  for await (const part of response) bytes += (part as Buffer).length
  return bytes
}

async function mostResident(gateway: GatewayProcess, work: () => Promise<void>): Promise<number> {
  let most = 0
  const sampling = setInterval(() => (most = Math.max(most, gateway.residentMegabytes())), SAMPLE_MS)
  await work().finally(() => clearInterval(sampling))
  return most
}

const onlyLong = IS_LONG ? describe : describe.skip

onlyLong.each(['undici', 'http-proxy-middleware'] as const)('the engine %s', (engine) => {
  test(`1 GiB each way in at most ${String(ALLOWED_MIB)} MiB more of resident memory`, async () => {
    const nodes = [`http://127.0.0.1:${String((upstream.address() as AddressInfo).port)}`]
    const clusters = { main: { nodes, service: { kind: 'none' as const }, passThrough: { engine } } }
    const config = { clusters, limits: { bodyBytes: 2 * TOTAL_MIB * MIB } }
    const gateway = await processes.start(config, [], 'none')
    const idle = gateway.residentMegabytes()
    // Code that was never run, and buffers that wait for their collection, are no memory of this body.
    await ask(gateway, 'PUT', '/take', WARM_UP_MIB)
    await ask(gateway, 'GET', `/give-${String(WARM_UP_MIB)}`, 0)
    const before = gateway.residentMegabytes()
    const up = await mostResident(gateway, async () => {
      await ask(gateway, 'PUT', '/take', TOTAL_MIB)
      expect(received).toBe(TOTAL_MIB * MIB)
    })
    const down = await mostResident(gateway, async () => {
      expect(await ask(gateway, 'GET', `/give-${String(TOTAL_MIB)}`, 0)).toBe(TOTAL_MIB * MIB)
    })
    const figures = { engine, idle, before, moreUp: up - before, moreDown: down - before }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
    expect(figures.moreUp).toBeLessThan(ALLOWED_MIB)
    expect(figures.moreDown).toBeLessThan(ALLOWED_MIB)
    // What spans say of such bodies is looked at where no memory is measured.
    const traced = await processes.start(config)
    await ask(traced, 'PUT', '/take', WARM_UP_MIB)
    await ask(traced, 'GET', `/give-${String(WARM_UP_MIB)}`, 0)
  }, 120_000)
})
