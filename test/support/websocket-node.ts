import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** A node that speaks WebSocket, or whatever else a test tells it to. */
export interface WebSocketNode {
  readonly url: string
  /** Requests that were passed through, upgrades among them. */
  readonly requests: readonly IncomingMessage[]
  /** Connections on which an upgrade was asked for, and that stand. */
  readonly sockets: ReadonlySet<Socket>
  /** Bytes that came behind the headers of requests for an upgrade. */
  readonly bytes: () => number
  /** What it does with an upgrade from now on; by default it speaks WebSocket, and sends back whatever it gets. */
  onUpgrade(take: (socket: Socket, request: IncomingMessage) => void): void
  /** What it does with any other request; by default it says 200. */
  onRequest(listener: RequestListener): void
  reset(): void
  close(): Promise<void>
}

const NO_INDICES = '{"indices":[],"aliases":[],"data_streams":[]}'

/** @param tls where it is reached over TLS */
export async function startWebSocketNode(tls?: ServerOptions): Promise<WebSocketNode> {
  const requests: IncomingMessage[] = []
  const sockets = new Set<Socket>()
  let bytes = 0
  let take = echo
  let listener = answerOk
  const isOwn = ({ headers }: IncomingMessage): boolean => headers.via === undefined
  const serve: RequestListener = (request, response) => {
    // The gateway's own looks at its cluster, which come at any time.
    if (isOwn(request)) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(NO_INDICES)
      return
    }
    requests.push(request)
    listener(request, response)
  }
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve)
  server.on('upgrade', (request, _stream, head) => {
    const { socket } = request
    requests.push(request)
    sockets.add(socket)
    bytes += head.length
    if (head.length > 0) socket.unshift(head)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
    // Node leaves that to whoever takes an upgraded connection.
    socket.once('end', () => socket.end())
    take(socket, request)
    socket.prependListener('data', (part: Buffer) => (bytes += part.length))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    sockets,
    bytes: () => bytes,
    onUpgrade: (next) => (take = next),
    onRequest: (next) => (listener = next),
    reset() {
      requests.splice(0)
      bytes = 0
      take = echo
      listener = answerOk
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const answerOk: RequestListener = (_request, response) => void response.writeHead(200).end('plain')

/** The node's half of the handshake (RFC 6455 section 4.2.2). */
export function acceptUpgrade(socket: Socket, { headers }: IncomingMessage, more: readonly string[] = []): void {
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  socket.write(`${[...head, `Sec-WebSocket-Accept: ${accept}`, ...more].join('\r\n')}\r\n\r\n`)
}

/** Sends each frame back as it came, but for the mask, with which only clients send (RFC 6455 section 5.2). */
function echo(socket: Socket, request: IncomingMessage): void {
  acceptUpgrade(socket, request)
  let received = Buffer.alloc(0)
  socket.on('data', (part: Buffer) => {
    received = Buffer.concat([received, part])
    for (let frame = cutFrame(received); frame !== undefined; frame = cutFrame(received)) {
      received = received.subarray(frame.length)
      socket.write(Buffer.concat([frame.head, frame.payload]))
      const isClose = ((frame.head[0] ?? 0) & 0x0f) === 0x08
      if (isClose) socket.end()
    }
  })
}

interface Frame {
  readonly head: Buffer
  readonly payload: Buffer
  /** In all, as it came. */
  readonly length: number
}

function cutFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined
  const short = (bytes[1] ?? 0) & 0x7f
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0
  const start = 2 + extended + 4
  if (bytes.length < start) return undefined
  const size = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (bytes.length < start + size) return undefined
  const mask = bytes.subarray(start - 4, start)
  const payload = Buffer.from(bytes.subarray(start, start + size))
  for (let position = 0; position < size; position++) {
    payload[position] = (payload[position] ?? 0) ^ (mask[position % 4] ?? 0)
  }
  const head = Buffer.from(bytes.subarray(0, 2 + extended))
  head[1] = short
  return { head, payload, length: start + size }
}
