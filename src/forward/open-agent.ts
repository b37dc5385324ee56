import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { neverSent } from '../core/never-sent.ts'
import type { ForwardOptions } from './engine.ts'

/** An agent whose new connections, TLS and all, stand within the connect timeout or not at all. */
export function openAgent(node: string, options: ForwardOptions): HttpAgent {
  const { ca, clientCertificate, maxConnections, idleTimeoutMs, connectTimeoutMs } = options
  const isTls = node.startsWith('https:')
  // Not `timeout`: that would also end a connection whose node thinks about an answer, or is still shaking hands.
  const keepAlive = { keepAlive: true, maxSockets: maxConnections }
  const agent = isTls
    ? new HttpsAgent({ ...keepAlive, ...(ca === undefined ? {} : { ca }), ...clientCertificate })
    : new HttpAgent(keepAlive)
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (target, callback) => {
    const socket = create(target, callback)
    const timer = setTimeout(() => socket?.destroy(neverSent(new Error('no connection in time'))), connectTimeoutMs)
    for (const event of [isTls ? 'secureConnect' : 'connect', 'close']) socket?.once(event, () => clearTimeout(timer))
    return socket
  }
  // Node's types keep quiet about what it returns: whether the connection is kept at all.
  const keep: (socket: Duplex) => unknown = agent.keepSocketAlive.bind(agent)
  const reuse = agent.reuseSocket.bind(agent)
  agent.keepSocketAlive = (socket) => {
    const isKept = keep(socket)
    if (socket instanceof Socket) socket.setTimeout(idleTimeoutMs)
    return isKept
  }
  agent.reuseSocket = (socket, request) => {
    if (socket instanceof Socket) socket.setTimeout(0)
    reuse(socket, request)
  }
  return agent
}
