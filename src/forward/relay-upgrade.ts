import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { duplexPair } from 'node:stream'
import type { Duplex } from 'node:stream'

import type { createProxyMiddleware } from 'http-proxy-middleware'

import type { Attempt } from '../core/cluster-nodes.ts'
import { endWhenSilent } from './end-when-silent.ts'
import type { AskedUpgrade } from './engine.ts'
import { grouped } from './grouped-headers.ts'
import { pairsOf, reasonPhrase, responseHeaders, valuesOf } from './headers.ts'
import type { RawHeaders } from './headers.ts'
import type { HeldCaller } from './held-caller.ts'
import { failureOf } from './middleware-failure.ts'

type Middleware = ReturnType<typeof createProxyMiddleware>

/** What the middleware tells of a request under way, by what it takes for it. */
export interface RelayedUpgrade {
  /** It is about to be sent. */
  readonly sent: (outgoing: ClientRequest) => void
  readonly fail: (error: unknown) => void
}

interface Upgrading {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly headers: RawHeaders
  readonly asked: AskedUpgrade
  readonly caller: HeldCaller
  readonly attempt: Attempt
  readonly silenceTimeoutMs: number
  /** There is an answer; `isSwitched` where it switches protocols. */
  readonly onAnswer: (isSwitched: boolean) => void
}

/**
 * Has the middleware ask a node for an upgrade. What it takes for the caller's connection is one end of a pair: it would write the node's headers out as they
 * came, answer errors by closing, and let one side stand when the other has gone. So answers go by `response`, and what it joins is joined to the caller here.
 * @param begin tells the plugin what belongs to the source, before the middleware sees it
 * @returns when all is over
 * @throws GatewayError only while nothing was answered
 */
export function relayUpgrade(
  proxy: Middleware,
  begin: (source: IncomingMessage, relayed: RelayedUpgrade) => void,
  upgrading: Upgrading,
): Promise<void> {
  const { request, response, headers, asked, attempt, silenceTimeoutMs, onAnswer } = upgrading
  const { protocol, socket } = asked
  return new Promise((resolve, reject) => {
    response.once('close', resolve)
    if (response.destroyed) {
      resolve()
      return
    }
    const [ours, theirs] = duplexPair()
    theirs.on('error', () => undefined)
    ours.on('error', () => undefined)
    // The middleware sets these of a connection.
    const still = (): Duplex => theirs
    Object.assign(theirs, { setTimeout: still, setNoDelay: still, setKeepAlive: still })
    const fail = (error: unknown): void => {
      if (response.headersSent || response.destroyed) resolve()
      else reject(failureOf(error, false))
    }
    /** What a node says may be more than can be said again. */
    const attend = (node: { destroy(): unknown }, work: () => void): void => {
      try {
        work()
      } catch (error) {
        node.destroy()
        if (response.headersSent) response.destroy()
        fail(error)
      }
    }
    const sent = (outgoing: ClientRequest): void => {
      endWhenSilent(outgoing, response, silenceTimeoutMs)
      if (response.destroyed) outgoing.destroy()
      const leave = (): unknown => outgoing.destroy()
      response.once('close', leave)
      outgoing.once('close', () => response.off('close', leave))
      // Both before the middleware's own listeners.
      outgoing.once('response', (answer) => {
        theirs.destroy()
        attempt.heard(answer.statusCode ?? 0)
        attend(answer, () => passOn(answer, response))
        if (response.headersSent) onAnswer(false)
      })
      outgoing.once('upgrade', (answer, node) => {
        attempt.heard(101)
        attend(node, () => {
          // check: upgrade-protocol
          if (!switchesTo(protocol, answer)) throw new Error('the node may not switch to this')
          if (response.destroyed) throw new Error('the caller has gone')
          switchProtocols(answer, response, protocol)
          onAnswer(true)
          socket.setTimeout(silenceTimeoutMs, () => socket.destroy())
          join(node, ours, theirs, upgrading)
        })
      })
    }
    const framed = { ...grouped(headers), connection: 'Upgrade', upgrade: protocol }
    const parts = { method: 'GET', url: '/', httpVersion: '1.1', httpVersionMajor: 1, socket: request.socket }
    const source = { ...parts, headers: framed } as unknown as IncomingMessage
    begin(source, { sent, fail })
    proxy.upgrade(source, theirs as unknown as typeof socket, Buffer.alloc(0))
  })
}

/** RFC 9110 section 7.8: to no other protocol than one that was asked for. */
function switchesTo(protocol: string, { rawHeaders }: IncomingMessage): boolean {
  const [only, ...others] = valuesOf(rawHeaders, 'upgrade')
  return others.length === 0 && only?.trim().toLowerCase() === protocol
}

function switchProtocols(answer: IncomingMessage, response: ServerResponse, protocol: string): void {
  const kept = pairsOf(responseHeaders(answer.rawHeaders)).filter(([name]) => name.toLowerCase() !== 'content-length')
  response.sendDate = false
  response.writeHead(101, reasonPhrase(answer.statusMessage), [
    ...kept.flat(),
    'connection',
    'Upgrade',
    'upgrade',
    protocol,
  ])
  response.flushHeaders()
}

function passOn(answer: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false
  response.writeHead(answer.statusCode ?? 502, reasonPhrase(answer.statusMessage), responseHeaders(answer.rawHeaders))
  // Before the pipe's own listener, which ends the answer.
  answer.once('end', () => response.addTrailers(pairsOf(responseHeaders(answer.rawTrailers))))
  answer.once('close', () => {
    // Half an answer must not look like a whole one.
    if (!answer.complete) response.destroy()
  })
  answer.pipe(response)
}

/** Either end gone frees the other at once: what was sent before a plain end still arrives, a broken connection breaks the other. */
function join(node: Duplex, ours: Duplex, theirs: Duplex, { response, asked, caller }: Upgrading): void {
  const { socket } = asked
  node.once('error', () => response.destroy())
  node.once('close', () => {
    if (!theirs.writableEnded) response.destroy()
  })
  // A caller who ends gets nothing more: nobody closes a WebSocket by halves (RFC 6455 section 7.1.1), and a caller who has gone looks the same.
  node.once('finish', () => node.destroy())
  socket.once('close', () => {
    node.destroy()
    ours.destroy()
    theirs.destroy()
  })
  // The first that the middleware writes is the head of the answer, which the caller has by now.
  ours.once('data', () => ours.pipe(socket, { end: false }))
  ours.once('end', () => response.end())
  caller.release(ours)
}
