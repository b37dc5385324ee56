import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'

import { makeCertificates } from '../../src/local-cluster/certificates.ts'
import { call } from './call.ts'
import type { SecuredCluster } from './clusters.ts'

/** A request as it came to the cluster's door. */
interface Passed {
  readonly method: string
  readonly target: string
  readonly headers: IncomingMessage['headers']
  /** The common name of the client certificate that it came with. */
  readonly pair: string | undefined
  /** Of the TLS connection that it came on. */
  readonly connection: number
  readonly isForPlugin: boolean
}

export interface IdentityMirror {
  readonly url: string
  /** Path of the authority that signed its certificate. */
  readonly ca: string
  /** What came since the last call. */
  take(): readonly Passed[]
  close(): Promise<void>
}

const PLUGIN = '/_plugins/_ml/memory_containers'
const AUTHINFO = '/_plugins/_security/authinfo'
const HOP_BY_HOP = ['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']

/**
 * The real secured cluster behind TLS of its own: each request goes on with the client certificate that it came with. What is asked of the
 * ml-commons plugin, which the cluster does not have, is answered with who the cluster says that the caller is.
 */
export async function startIdentityMirror({ url, access }: SecuredCluster): Promise<IdentityMirror> {
  const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-mirror-'))
  const { ca, node } = await makeCertificates(folder)
  const trusted = readFileSync(access.ca)
  const pairs = new Map([
    ['admin', { cert: readFileSync(access.adminCert), key: readFileSync(access.adminKey) }],
    ['client', { cert: readFileSync(access.clientCert), key: readFileSync(access.clientKey) }],
  ])
  const connections = new WeakMap<object, number>()
  let connected = 0
  const passed: Passed[] = []
  const own = { cert: readFileSync(node.cert), key: readFileSync(node.key) }
  const server = createServer(
    { ...own, ca: trusted, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { method = '', url: target = '', headers } = request
      const { socket } = request
      const pair =
        socket instanceof TLSSocket && socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined
      const isForPlugin = target.startsWith(PLUGIN)
      passed.push({ method, target, headers, pair, connection: connections.get(socket) ?? -1, isForPlugin })
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name))
        call(url, {
          method: isForPlugin ? 'GET' : method,
          path: isForPlugin ? AUTHINFO : target,
          headers: Object.fromEntries(kept) as Record<string, string>,
          ...(isForPlugin || parts.length === 0 ? {} : { body: Buffer.concat(parts) }),
          tls: { ca: trusted, ...(pair === undefined ? {} : pairs.get(pair)) },
        }).then(
          (reply) => {
            const type = reply.headers['content-type']
            response.writeHead(reply.status, type === undefined ? {} : { 'content-type': type })
            response.end(method === 'HEAD' ? undefined : reply.bytes)
          },
          () => response.destroy(),
        )
      })
    },
  )
  server.on('secureConnection', (socket) => connections.set(socket, (connected += 1)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    ca,
    take: () => passed.splice(0),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
