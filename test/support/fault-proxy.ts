import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** A request as it came to the proxy, whole. */
export interface SeenRequest {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** Resolves when its connection went away before it had an answer. */
  readonly callerGone: Promise<void>
}

/** What happens to one request. Ends when nothing more is to come for it. */
export type Fault = (exchange: Exchange) => Promise<void> | void

/** What a fault can do with a request. */
export interface Exchange {
  readonly request: SeenRequest
  /** Sends it to the cluster and waits for the whole answer, which the caller does not get yet. */
  readonly ask: () => Promise<ClusterAnswer>
  /** Answers the caller: only the first `bytes` of the body, where they are given, and then the connection breaks. */
  readonly answer: (answer: ClusterAnswer, bytes?: number) => Promise<void>
  /** Breaks the connection to the caller. */
  readonly cut: () => void
}

export interface ClusterAnswer {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

export type Match = (request: SeenRequest) => boolean

/** A fault that is in force. */
export interface Rule {
  /** How many requests met it. */
  readonly met: () => number
  remove(): void
}

/** A request that waits in the proxy. */
export interface Hold extends Rule {
  /** Resolves with the first request that waits. */
  readonly arrived: Promise<SeenRequest>
  /** Lets it and all that follow go on. */
  release(): void
}

/** An HTTP proxy on a port of its own in front of a real server. Without a fault every request passes. */
export interface FaultProxy {
  readonly url: string
  readonly requests: readonly SeenRequest[]
  /** Connections accepted so far. */
  readonly connections: () => number
  /** Connections that stand at the moment. */
  readonly openConnections: () => number
  /** Bytes on the wire so far, headers and all, as the caller sees them. */
  readonly bytes: () => { readonly toCluster: number; readonly fromCluster: number }
  /** Puts a fault on requests that match, the newest rule first; `times` of them at most. */
  on(match: Match, fault: Fault, times?: number): Rule
  /** Makes requests wait; released ones meet `then`. */
  hold(match: Match, then?: Fault): Hold
  /** From now on connections are refused, and those that stand are broken. */
  refuse(): Promise<void>
  /** Takes connections again, on the same port. */
  accept(): Promise<void>
  /** Forgets what it has seen, for runs that would fill the memory; the faults stay. */
  forget(): void
  /** Forgets the faults and what it has seen. */
  reset(): void
  close(): Promise<void>
}

export const anything: Match = () => true
export const bulk: Match = ({ target }) => target.split('?')[0] === '/_bulk'
export const multiGet: Match = ({ target }) => target === '/_mget'

export const pass: Fault = async (exchange) => exchange.answer(await exchange.ask())
/** Takes the request and says nothing, for ever. */
export const neverAnswer: Fault = () => undefined
/** Breaks the connection before the cluster hears of the request. */
export const cutBefore: Fault = ({ cut }) => cut()
/** The cluster does what it was asked to; its answer is lost. */
export const cutAfter: Fault = async ({ ask, cut }) => {
  await ask()
  cut()
}
/** The connection breaks in the middle of the answer's body. */
export const cutInside: Fault = async ({ ask, answer }) => {
  const whole = await ask()
  await answer(whole, Math.floor(whole.body.length / 2))
}
/** Half of the answer comes, and then nothing, for ever. */
export const stallInside: Fault = async ({ ask, answer }) => {
  const whole = await ask()
  await answer(whole, -Math.floor(whole.body.length / 2))
}

/** Answers in place of the cluster, which does not hear of the request. */
export function answerWith(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Fault {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/html' : 'application/json; charset=UTF-8'
  const all = { 'content-type': type, 'content-length': String(Buffer.byteLength(text)), ...headers }
  return ({ answer }) => answer({ status, rawHeaders: Object.entries(all).flat(), body: Buffer.from(text) })
}

/** The cluster does what it was asked to, and the caller reads something else. */
export function answerAfter(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Fault {
  const canned = answerWith(status, body, headers)
  return async (exchange) => {
    await exchange.ask()
    await canned(exchange)
  }
}

interface ActiveRule {
  readonly match: Match
  readonly fault: Fault
  left: number
  met: number
}

/**
 * Starts a proxy in front of `clusterUrl`; it speaks plain http itself.
 * @param ca the authority of a cluster with TLS, as PEM
 */
export async function startFaultProxy(clusterUrl: string, ca?: Buffer): Promise<FaultProxy> {
  const cluster = new URL(clusterUrl)
  const pool = { keepAlive: true, maxSockets: 256 }
  const agent = cluster.protocol === 'https:' ? new TlsAgent({ ...pool, maxSockets: 16, ca }) : new Agent(pool)
  const sockets = new Set<Socket>()
  const closed = { toCluster: 0, fromCluster: 0 }
  let connections = 0
  let rules: ActiveRule[] = []
  let requests: SeenRequest[] = []

  const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (message, response) => {
    void serve(message, response)
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      closed.toCluster += socket.bytesRead
      closed.fromCluster += socket.bytesWritten
    })
  })

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(message).catch(() => undefined)
    if (body === undefined) return
    const request = describeRequest(message, response, body)
    requests.push(request)
    const rule = rules.find(({ match, left }) => left > 0 && match(request))
    if (rule !== undefined) {
      rule.left -= 1
      rule.met += 1
    }
    try {
      await (rule?.fault ?? pass)({
        request,
        ask: () => askCluster(cluster, agent, message, body),
        answer: (answer, bytes) => writeAnswer(response, answer, bytes),
        cut: () => message.socket.destroy(),
      })
    } catch {
      // The cluster itself did not answer: the caller sees what it would have seen.
      message.socket.destroy()
    }
  }

  function on(match: Match, fault: Fault, times = Infinity): Rule {
    const rule: ActiveRule = { match, fault, left: times, met: 0 }
    rules.unshift(rule)
    return { met: () => rule.met, remove: () => void (rules = rules.filter((other) => other !== rule)) }
  }

  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const stopped = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await stopped
  }

  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${String(port)}`,
    get requests() {
      return requests
    },
    connections: () => connections,
    openConnections: () => sockets.size,
    bytes: () => {
      const open = [...sockets]
      return {
        toCluster: open.reduce((sum, { bytesRead }) => sum + bytesRead, closed.toCluster),
        fromCluster: open.reduce((sum, { bytesWritten }) => sum + bytesWritten, closed.fromCluster),
      }
    },
    on,
    hold: (match, then = pass) => hold((fault) => on(match, fault), then),
    refuse: stop,
    accept: () => listen(port),
    forget: () => void (requests = []),
    reset: () => {
      rules = []
      requests = []
    },
    close: async () => {
      await stop()
      agent.destroy()
    },
  }
}

function hold(put: (fault: Fault) => Rule, then: Fault): Hold {
  const arrived = Promise.withResolvers<SeenRequest>()
  const released = Promise.withResolvers<undefined>()
  const rule = put(async (exchange) => {
    arrived.resolve(exchange.request)
    await released.promise
    await then(exchange)
  })
  return {
    ...rule,
    arrived: arrived.promise,
    release: () => {
      rule.remove()
      released.resolve(undefined)
    },
  }
}

function describeRequest(message: IncomingMessage, response: ServerResponse, body: Buffer): SeenRequest {
  const callerGone = once(response, 'close').then(() => {
    if (!response.writableFinished) return
    // It was answered: whoever waits for the caller to go away waits in vain.
    return new Promise<void>(() => undefined)
  })
  return {
    method: message.method ?? '',
    target: message.url ?? '',
    headers: message.headers,
    rawHeaders: message.rawHeaders,
    body: body.toString(),
    callerGone,
  }
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function askCluster(cluster: URL, agent: Agent, message: IncomingMessage, body: Buffer): Promise<ClusterAnswer> {
  return new Promise((resolve, reject) => {
    const send = cluster.protocol === 'https:' ? httpsRequest : httpRequest
    const upstream = send({
      host: cluster.hostname,
      port: cluster.port,
      agent,
      method: message.method,
      path: message.url,
      headers: [
        ...withoutFraming(message.rawHeaders),
        ...(body.length > 0 ? ['content-length', String(body.length)] : []),
      ],
    })
    upstream.on('error', reject)
    upstream.on('response', (answer) => {
      readAll(answer).then((content) => {
        const status = answer.statusCode ?? 0
        resolve({ status, rawHeaders: withoutFraming(answer.rawHeaders, ['content-length']), body: content })
      }, reject)
    })
    upstream.end(body)
  })
}

function writeAnswer(
  response: ServerResponse,
  { status, rawHeaders, body }: ClusterAnswer,
  bytes?: number,
): Promise<void> {
  response.sendDate = false
  response.writeHead(status, [...rawHeaders])
  return new Promise((resolve) => {
    if (bytes === undefined) {
      response.end(body, resolve)
      return
    }
    response.write(body.subarray(0, Math.abs(bytes)), () => {
      if (bytes >= 0) response.socket?.destroy()
      resolve()
    })
  })
}

/** Both hops are framed by Node: what it writes itself is taken out here. */
function withoutFraming(rawHeaders: readonly string[], kept: readonly string[] = []): string[] {
  const dropped = ['connection', 'keep-alive', 'transfer-encoding', 'content-length'].filter((n) => !kept.includes(n))
  return rawHeaders.filter((_, position) => {
    const name = rawHeaders[position - (position % 2)] ?? ''
    return !dropped.includes(name.toLowerCase())
  })
}
