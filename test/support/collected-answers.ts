import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'

import { collectConnections, tellApart } from './collected-connections.ts'
import { collectBody } from './collected-body.ts'
import type { CollectedBody } from './collected-body.ts'
import { collect, isCollecting } from './collected.ts'

// What the servers of gateways say, whoever asks and however: taken where Node's HTTP servers write it, and what is no answer of theirs, on the connection.

/** Those that were upgraded too, which are no request to Node's server any more. */
const HTTP1 = 'http.server.response.created'
const HTTP2 = 'http2.server.stream.created'

type Port = 'callers' | 'ops'

/** Collects all that a gateway, or any server of this process, says to who has connected, until the function that it returns is called. */
export function collectAnswersOf(gateway: { readonly url: string; readonly opsUrl: string } | 'any'): () => void {
  if (!isCollecting()) return () => undefined
  const ports = new Map<number, Port>()
  if (gateway !== 'any') ports.set(portOf(gateway.url), 'callers').set(portOf(gateway.opsUrl), 'ops')
  const portAt = (socket: { readonly localPort?: number | undefined } | undefined): Port | undefined =>
    gateway === 'any' ? 'callers' : ports.get(socket?.localPort ?? 0)
  const onResponse = (message: unknown): void => {
    const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse }
    const port = portAt(request.socket)
    if (port === undefined) return
    tellApart(response, request.method ?? '')
    tapResponse(response, openAnswer(port, request.method, request.url))
  }
  const onStream = (message: unknown): void => {
    const { stream, headers } = message as { readonly stream: ServerHttp2Stream; readonly headers: IncomingHttpHeaders }
    const port = portAt(stream.session?.socket)
    if (port !== undefined) tapStream(stream, openAnswer(port, headers[':method'], headers[':path']))
  }
  const stopConnections = collectConnections((socket) => portAt(socket) !== undefined)
  subscribe(HTTP1, onResponse)
  subscribe(HTTP2, onStream)
  return () => {
    stopConnections()
    unsubscribe(HTTP1, onResponse)
    unsubscribe(HTTP2, onStream)
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

/** What is said of an answer before its body. */
interface Head {
  readonly status: number
  readonly text: string
  readonly encoding: string
}

interface Answer {
  /** @param chunk that was written after this head */
  take(head: () => Head, chunk: unknown, encoding: unknown): void
  /** Once. */
  end(head: () => Head): void
  /** Those of HTTP/2: trailers, which come after the end, and interim answers. */
  headers(head: Head, headers: unknown): void
}

/** POSTs that delete. */
const REMOVING = /delete|erasures/i

function openAnswer(port: Port, method = '', url = ''): Answer {
  let body: CollectedBody | undefined
  let isOver = false
  const from = ({ status }: Head): string => `answer ${String(status)} ${method}`
  /** Only who has asked for memories gets them: in the body of what was read, and nowhere else. */
  const mayHoldMemories = ({ status }: Head): boolean =>
    port === 'callers' &&
    status >= 200 &&
    status < 300 &&
    (method === 'GET' || (method === 'POST' && !REMOVING.test(url)))
  return {
    take(head, chunk, encoding) {
      if (isOver || !(typeof chunk === 'string' || chunk instanceof Uint8Array)) return
      if (body === undefined) {
        const known = head()
        body = collectBody({ ...known, from: from(known), mayHoldMemories: mayHoldMemories(known) })
      }
      body.take(Buffer.from(chunk as string, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'))
    },
    end(head) {
      if (isOver) return
      isOver = true
      const known = head()
      collect(from(known), known.text.replaceAll(/[\r\n]+/g, ' '))
      body?.end()
    },
    headers: (head, headers) => collect(from(head), JSON.stringify(headers)),
  }
}

type Anything = (...args: unknown[]) => unknown

function tapResponse(
  response: ServerResponse & { readonly _header?: string | null; readonly _trailer?: string },
  answer: Answer,
): void {
  const head = (): Head => {
    const said = response._header ?? ''
    const encoding = /^content-encoding:(.*)$/im.exec(said)?.[1]?.trim() ?? ''
    return { status: response.statusCode, text: `${said} ${response._trailer ?? ''}`, encoding }
  }
  tapWrites(response, answer, head)
}

function tapStream(stream: ServerHttp2Stream, answer: Answer): void {
  let said: Readonly<Record<string, unknown>> = {}
  const head = (): Head => ({
    status: Number(said[':status']),
    text: `HTTP/2 ${JSON.stringify(said)}`,
    encoding: [said['content-encoding']].flat().join(', '),
  })
  const respond = stream.respond.bind(stream) as Anything
  const sendTrailers = stream.sendTrailers.bind(stream) as Anything
  const additionalHeaders = stream.additionalHeaders.bind(stream) as Anything
  Object.assign(stream, {
    respond(...args: unknown[]) {
      said = args[0] as typeof said
      return respond(...args)
    },
    sendTrailers(...args: unknown[]) {
      answer.headers(head(), args[0])
      return sendTrailers(...args)
    },
    additionalHeaders(...args: unknown[]) {
      answer.headers(head(), args[0])
      return additionalHeaders(...args)
    },
  })
  tapWrites(stream, answer, head)
}

/** What is written is taken after it was written, when the head is known, and before anybody can have read it. */
function tapWrites(to: ServerResponse | ServerHttp2Stream, answer: Answer, head: () => Head): void {
  const write = to.write.bind(to) as Anything
  const end = to.end.bind(to) as Anything
  Object.assign(to, {
    write(...args: unknown[]) {
      const isRoom = write(...args)
      answer.take(head, args[0], args[1])
      return isRoom
    },
    end(...args: unknown[]) {
      end(...args)
      answer.take(head, args[0], args[1])
      answer.end(head)
      return to
    },
  })
  // One that was broken off has no end.
  to.once('close', () => answer.end(head))
}
