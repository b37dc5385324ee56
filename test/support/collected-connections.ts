import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

import { collectAsWritten } from './collected-body.ts'
import { collect } from './collected.ts'

// What servers write on connections past the answers of Node's: refusals of what is no HTTP, interim answers, and all that follows an upgrade.

const CONNECTED = 'net.server.socket'

/** On which an answer writes at the moment; that is looked at as the answer. */
const answering = new WeakSet<Socket>()
const upgraded = new WeakSet<Socket>()

/** Collects what is written on the connections that a server accepts from now on, until the function that it returns is called. */
export function collectConnections(isOurs: (socket: Socket) => boolean): () => void {
  const secure = new Set<Server>()
  let isOver = false
  const tap = (socket: Socket): void => tapConnection(socket, () => isOver)
  const onConnected = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket & { readonly server?: Server | null } }
    const { server } = socket
    if (!isOurs(socket)) return
    // What goes over TLS is taken before it is encrypted.
    if (!server || !('setSecureContext' in server)) tap(socket)
    else if (!secure.has(server)) {
      secure.add(server)
      server.prependListener('secureConnection', tap)
    }
  }
  subscribe(CONNECTED, onConnected)
  return () => {
    isOver = true
    unsubscribe(CONNECTED, onConnected)
    for (const server of secure) server.off('secureConnection', tap)
  }
}

type Anything = (...args: unknown[]) => unknown

function tapConnection(socket: Socket, isOver: () => boolean): void {
  const refusal = collectAsWritten('refusal', 'for everybody')
  const frames = collectAsWritten('frames', 'may hold memories')
  const take = (chunk: unknown, encoding: unknown): void => {
    if (isOver() || answering.has(socket) || !(typeof chunk === 'string' || chunk instanceof Uint8Array)) return
    const bytes = Buffer.from(chunk as string, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
    if (upgraded.has(socket)) frames.take(bytes)
    else refusal.take(bytes)
  }
  const write = socket.write.bind(socket) as Anything
  const end = socket.end.bind(socket) as Anything
  Object.assign(socket, {
    write(...args: unknown[]) {
      take(args[0], args[1])
      return write(...args)
    },
    end(...args: unknown[]) {
      take(args[0], args[1])
      return end(...args)
    },
  })
  socket.once('close', () => {
    refusal.end()
    frames.end()
  })
}

/** Node's own names: all that an answer writes goes through them. Were they others one day, answers would be looked at twice. */
interface Outgoing {
  _send: Anything
  _writeRaw: Anything
  _flushOutput: Anything
}

/** Tells what an answer writes from what is written past it. @param method of its request */
export function tellApart(response: ServerResponse, method: string): void {
  const outgoing = response as ServerResponse & Outgoing & { readonly _header?: string | null }
  const send = outgoing._send.bind(response)
  const writeRaw = outgoing._writeRaw.bind(response)
  const flushOutput = outgoing._flushOutput.bind(response)
  let isSending = false
  Object.assign(outgoing, {
    _send(...args: unknown[]) {
      isSending = true
      try {
        return send(...args)
      } finally {
        isSending = false
      }
    },
    _writeRaw(...args: unknown[]) {
      // Interim answers are written as they are.
      if (!isSending) collect(`answer 1xx ${method}`, String(args[0]).replaceAll(/[\r\n]+/g, ' '))
      const { socket, statusCode } = response
      try {
        return whileAnswering(socket, () => writeRaw(...args))
      } finally {
        if (socket !== null && statusCode === 101 && response.headersSent && !upgraded.has(socket)) {
          upgraded.add(socket)
          // It may stand for as long as its gateway.
          collect(`answer 101 ${method}`, (outgoing._header ?? '').replaceAll(/[\r\n]+/g, ' '))
        }
      }
    },
    _flushOutput: (...args: unknown[]) => whileAnswering(args[0] as Socket, () => flushOutput(...args)),
  } satisfies Outgoing)
}

function whileAnswering(socket: Socket | null, write: () => unknown): unknown {
  if (socket === null || answering.has(socket)) return write()
  answering.add(socket)
  try {
    return write()
  } finally {
    answering.delete(socket)
  }
}
