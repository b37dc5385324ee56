import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect as connectTcp, createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { promisify } from 'node:util'

/** A certificate for 127.0.0.1 that is its own authority, and its key, as PEM. */
export interface FrontPair {
  readonly cert: string
  readonly key: string
}

/** Makes a certificate that is good between two times. */
export async function makePair(folder: string, name: string, from: Date, to: Date): Promise<FrontPair> {
  const at = join(folder, name)
  await mkdir(at, { recursive: true })
  await writeFile(join(at, 'index.txt'), '')
  const config = `[ca]\ndefault_ca=own\n[own]\ndatabase=${at}/index.txt\nnew_certs_dir=${at}\nrand_serial=yes\ndefault_md=sha256\npolicy=any
[any]\ncommonName=supplied\n[names]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n`
  await writeFile(join(at, 'ca.cnf'), config)
  const [key, csr, cert] = ['key.pem', 'csr.pem', 'cert.pem'].map((file) => join(at, file)) as [string, string, string]
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-new', ...ec, '-keyout', key, '-out', csr, '-subj', `/CN=${name}`)
  const times = ['-startdate', asn1(from), '-enddate', asn1(to)]
  const own = ['-selfsign', '-keyfile', key, '-in', csr, '-out', cert, '-notext', '-extensions', 'names']
  await openssl('ca', '-batch', '-config', join(at, 'ca.cnf'), ...own, ...times)
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
}

const openssl = (...args: readonly string[]): Promise<unknown> => promisify(execFile)('openssl', [...args])
const asn1 = (time: Date): string => time.toISOString().replaceAll(/[-:T]|\.\d+/g, '')

export interface Front {
  readonly url: string
  close(): Promise<void>
}

/**
 * Ends TLS with a certificate of its own in front of a node, as a balancer does.
 * @param ca the authority of a node that speaks TLS itself
 */
export async function startTlsFront(
  node: string,
  ca: string | undefined,
  pair: FrontPair,
): Promise<Front & { renew(pair: FrontPair): void }> {
  const { hostname, port, protocol } = new URL(node)
  const at = { host: hostname, port: Number(port) }
  const server = createTlsServer(pair, (socket) => {
    joinSockets(socket, protocol === 'https:' ? connectTls({ ...at, ca }) : connectTcp(at))
  })
  const front = await listening(server, '127.0.0.1', 'https:')
  return { ...front, renew: (renewed) => server.setSecureContext(renewed) }
}

/**
 * Passes bytes on to a node, on an address of its own.
 * @param at the port; a free one by default
 * @param from the address that the node sees
 */
export async function startTcpFront(node: string, host: string, at = 0, from?: string): Promise<Front> {
  const { hostname, port, protocol } = new URL(node)
  return listening(
    createTcpServer((socket) => {
      joinSockets(socket, connectTcp({ host: hostname, port: Number(port), localAddress: from }))
    }),
    host,
    protocol,
    at,
  )
}

function joinSockets(one: Socket, other: Socket): void {
  one.on('error', () => other.destroy()).on('close', () => other.destroy())
  other.on('error', () => one.destroy()).on('close', () => one.destroy())
  one.pipe(other).pipe(one)
}

async function listening(server: Server, host: string, protocol: string, port = 0): Promise<Front> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  return {
    url: `${protocol}//${host}:${String((server.address() as AddressInfo).port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
