import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A TCP relay in front of a TLS server, which looks at the one message that is not encrypted. */
export interface ConnectionTap {
  readonly url: string
  /** For each connection so far: whether its client offered to resume a TLS session. */
  readonly offeredResumption: readonly boolean[]
  close(): Promise<void>
}

export async function startConnectionTap(serverUrl: string): Promise<ConnectionTap> {
  const { hostname, port } = new URL(serverUrl)
  const offeredResumption: boolean[] = []
  const sockets = new Set<Socket>()
  const relay = createServer((caller) => {
    const server = connect(Number(port), hostname)
    caller.once('data', (hello: Buffer) => offeredResumption.push(offersResumption(hello)))
    caller.pipe(server).pipe(caller)
    for (const socket of [caller, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        caller.destroy()
        server.destroy()
      })
    }
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return {
    url: `https://127.0.0.1:${String((relay.address() as AddressInfo).port)}`,
    offeredResumption,
    async close() {
      const closed = once(relay, 'close')
      relay.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const RECORD_AND_HANDSHAKE_HEADERS = 5 + 4
const VERSION_AND_RANDOM = 2 + 32
const SESSION_TICKET = 35
const PRE_SHARED_KEY = 41

/** Reads a ClientHello (RFC 8446 section 4.1.2): resumption is a pre-shared key, or a session ticket before TLS 1.3. */
function offersResumption(hello: Buffer): boolean {
  let at = RECORD_AND_HANDSHAKE_HEADERS + VERSION_AND_RANDOM
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  const end = at + 2 + hello.readUInt16BE(at)
  for (at += 2; at + 4 <= end; at += 4 + hello.readUInt16BE(at + 2)) {
    const type = hello.readUInt16BE(at)
    const length = hello.readUInt16BE(at + 2)
    if (type === PRE_SHARED_KEY || (type === SESSION_TICKET && length > 0)) return true
  }
  return false
}
