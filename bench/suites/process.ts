import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'

import { residentMiB } from '../cpu.ts'
import { runLoad } from '../load.ts'
import { isWarmUp, turnOf } from '../measurements.ts'
import type { Measurement, Suite } from '../measurements.ts'
import { OPTIONS } from '../options.ts'
import { writeReport } from '../report.ts'
import { makeIssuer, removeIssuer, startGateway } from '../world.ts'
import type { BenchIssuer } from '../world.ts'

const SUITE: Suite = {
  name: 'process',
  title: 'The process: start to ready, and resident memory',
  contenders: ['gateway', 'with a compile cache'],
  figures: [
    { name: 'start to ready', unit: 'ms', digits: 0, hasRatio: true },
    { name: 'resident memory', unit: 'MiB', digits: 0, hasRatio: false },
  ],
}

const CONNECTIONS = 1_000

export async function benchProcess(): Promise<void> {
  const issuer = await makeIssuer()
  const token = await issuer.sign('RS256', 'opensearch:admin')
  // Whatever it is asked, so that the gateway alone is what is measured.
  const upstream = createServer((_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-opensearch-version': 'OpenSearch/3.4.0 (opensearch)',
    })
    response.end('{"version":{"number":"3.4.0"},"hits":{"total":{"value":1}}}')
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${String((upstream.address() as AddressInfo).port)}`
  const measurements: Measurement[] = []
  try {
    for (let round = 0; round <= OPTIONS.rounds; round++) {
      for (const contender of turnOf(SUITE.contenders, round)) {
        const note = (name: string, figures: Readonly<Record<string, number>>): void => {
          console.error(`process ${String(round)} ${name} ${contender}`, JSON.stringify(figures))
          if (!isWarmUp(round)) measurements.push({ suite: SUITE.name, case: name, contender, round, figures })
        }
        const settings = { clusters: { main: { nodes: [url], service: { kind: 'none' } } } }
        const gateway = await startGateway(issuer, 'gateway', settings, envOf(contender, issuer))
        note('started, keys at hand', { 'start to ready': gateway.readyAfterMs })
        note('idle', { 'resident memory': residentMiB(gateway.pid) })
        const sockets = await openConnections(gateway.url, token)
        note(`${String(CONNECTIONS)} open connections`, { 'resident memory': residentMiB(gateway.pid) })
        for (const socket of sockets) socket.destroy()
        if (OPTIONS.million && !isWarmUp(round) && contender === 'gateway') {
          await sendMillion(gateway.url, token)
          note('after a million requests', { 'resident memory': residentMiB(gateway.pid) })
        }
        await gateway.stop()
      }
    }
  } finally {
    upstream.close()
    upstream.closeAllConnections()
    removeIssuer(issuer)
  }
  console.log(writeReport(SUITE, measurements))
}

/** V8's code for the modules on the disk, as the image and the systemd unit have it; Node writes it when a process ends. */
function envOf(contender: string, { folder }: BenchIssuer): NodeJS.ProcessEnv {
  return contender === 'gateway' ? process.env : { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compile-cache') }
}

async function sendMillion(origin: string, token: string): Promise<void> {
  const ids = Array.from({ length: 1_000_000 }, (_, position) => String(position))
  const headers = { authorization: `Bearer ${token}` }
  await runLoad(
    {
      origin,
      runOne: async (pool, id) => {
        const { body } = await pool.request({ method: 'GET', path: `/documents/_doc/${id}`, headers })
        await body.dump()
      },
    },
    ids,
    64,
  )
}

/** Connections that have each had one answer, and stay. */
async function openConnections(origin: string, token: string): Promise<readonly Socket[]> {
  const { hostname, port } = new URL(origin)
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      socket.once('error', reject)
      socket.once('data', () => resolve(socket))
      socket.write(`GET /documents/_doc/one HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n\r\n`)
    })
  const sockets: Socket[] = []
  for (let count = 0; count < CONNECTIONS; count += 50) {
    sockets.push(...(await Promise.all(Array.from({ length: 50 }, open))))
  }
  return sockets
}
