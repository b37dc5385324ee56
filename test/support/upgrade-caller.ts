import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** What a plain caller sends to ask for a WebSocket. */
export const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

/** What a caller has on a connection of their own. */
export interface Caller {
  readonly socket: Socket
  /** What has come, as latin1. */
  readonly text: () => string
  readonly status: () => number
  readonly closed: () => boolean
}

export interface Callers {
  /** @param head what is sent at once */
  readonly open: (gateway: { readonly url: string }, head: string) => Caller
  /** Breaks off those that are left. */
  readonly leave: () => void
}

export function openCallers(): Callers {
  const sockets = new Set<Socket>()
  return {
    open({ url }, head) {
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname)
      sockets.add(socket)
      let text = ''
      let closed = false
      socket.on('error', () => undefined).on('data', (part: Buffer) => (text += part.toString('latin1')))
      socket.once('close', () => {
        closed = true
        sockets.delete(socket)
      })
      socket.write(Buffer.from(head, 'latin1'))
      return {
        socket,
        text: () => text,
        status: () => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
        closed: () => closed,
      }
    },
    leave() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

export function headOf(token: string | undefined, line: string, headers: readonly string[] = HANDSHAKE): string {
  const bearer = token === undefined ? [] : [`Authorization: Bearer ${token}`]
  return `${[line, 'Host: gateway.test', ...bearer, ...headers].join('\r\n')}\r\n\r\n`
}
