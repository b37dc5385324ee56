import { createServer, ServerResponse } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

import { askedUpgrade } from '../core/asked-upgrade.ts'
import type { UpgradeProtocol } from '../core/asked-upgrade.ts'

/** A request whose connection may be upgraded: behind its headers nothing was read, and no parser listens any more. */
interface Asked {
  readonly protocol: UpgradeProtocol
  readonly socket: Socket
}

/** Who serves them. */
export interface Upgrades {
  /** Whether any request may be upgraded to it; else the wish for it ends here, and the request is one like any other. */
  readonly mayUpgrade: (protocol: UpgradeProtocol) => boolean
  readonly serve: (request: IncomingMessage, response: ServerResponse, asked: Asked) => void
}

/** Whether this Node leaves it to a server which requests it hands over (24.9 does): one that does not would hand over all of them, and those of `h2c` too. */
export function canUpgrade(): boolean {
  return 'shouldUpgradeCallback' in createServer()
}

/** The part of a server's options that picks them. @param isAlone whether nothing else is under way on the connection of a request */
export function upgradeOptions(
  { mayUpgrade }: Upgrades,
  isAlone: (request: IncomingMessage) => boolean,
): { readonly shouldUpgradeCallback: (request: IncomingMessage) => boolean } {
  return {
    shouldUpgradeCallback(request) {
      const protocol = askedUpgrade(request)
      return protocol !== undefined && isAlone(request) && mayUpgrade(protocol)
    },
  }
}

/**
 * Serves the requests that were picked. Node has let go of their connections by then: what it does for an answer, and at the end of one, is done here.
 * @returns breaks the connections that are left
 */
export function serveUpgrades(server: Server, { serve }: Upgrades): () => void {
  const open = new Set<Socket>()
  server.on('upgrade', (request: IncomingMessage, _stream, head: Buffer) => {
    const { socket } = request
    const protocol = askedUpgrade(request)
    open.add(socket)
    socket.on('error', () => undefined).once('close', () => open.delete(socket))
    if (protocol === undefined) {
      socket.destroy()
      return
    }
    if (head.length > 0) socket.unshift(head)
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    socket.on('drain', () => response.emit('drain'))
    response.once('finish', () => {
      // What is left unread would reset the connection, and the answer be lost with it.
      socket.resume()
      socket.destroySoon()
    })
    serve(request, response, { protocol, socket })
  })
  return () => {
    for (const socket of open) socket.destroy()
  }
}
