import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A request as a careless server would read it. */
export interface CarelessRequest {
  readonly line: string
  readonly head: string
  readonly body: string
  /** Whether it came to its end before its connection did. */
  readonly isWhole: boolean
}

/** A server that takes whatever it gets: odd line ends, any length, whatever is left over as the next request. */
export interface LenientUpstream {
  readonly url: string
  readonly requests: readonly CarelessRequest[]
  /** The first lines of requests that have begun to arrive. */
  underWay(): readonly string[]
  reset(): void
  close(): Promise<void>
}

/** @param indices those that it says it has, when a gateway asks what names mean */
export async function startLenientUpstream(indices: readonly string[] = []): Promise<LenientUpstream> {
  const requests: CarelessRequest[] = []
  const sockets = new Map<Socket, string>()
  const server = createServer((socket) => {
    let received = ''
    sockets.set(socket, '')
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      // Half a request is one too: a careless server may have acted on it.
      if (received.trim() !== '') requests.push(describeRequest(received, '', false))
    })
    socket.on('data', (part) => {
      received += part.toString('latin1')
      for (let cut = cutRequest(received); cut !== undefined; cut = cutRequest(received)) {
        received = cut.rest
        requests.push(cut.request)
        const isContinue = /^expect:/im.test(cut.request.head)
        const answer = cut.request.line.startsWith('GET /_resolve/index/') ? answerOf(tableOf(indices)) : ANSWER
        socket.write(`${isContinue ? 'HTTP/1.1 100 Continue\r\n\r\n' : ''}${answer}`)
      }
      sockets.set(socket, /^[^\r\n]*/.exec(received)?.[0] ?? '')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    underWay: () => [...sockets.values()].filter((line) => line !== ''),
    reset: () => void requests.splice(0),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets.keys()) socket.destroy()
      await closed
    },
  }
}

const answerOf = (body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${String(body.length)}\r\n\r\n${body}`

const ANSWER = answerOf('{}')

function tableOf(indices: readonly string[]): string {
  return JSON.stringify({ indices: indices.map((name) => ({ name })), aliases: [], data_streams: [] })
}

function cutRequest(text: string): { request: CarelessRequest; rest: string } | undefined {
  const end = /\r?\n\r?\n/.exec(text)
  if (end === null) return undefined
  const head = text.slice(0, end.index)
  const after = text.slice(end.index + end[0].length)
  const body = /^transfer-encoding[^\n]*(?:\n[ \t][^\n]*)*chunked/im.test(head)
    ? cutChunks(after)
    : cutLength(head, after)
  if (body === undefined) return undefined
  return { request: describeRequest(head, body.text), rest: body.rest }
}

function describeRequest(head: string, body: string, isWhole = true): CarelessRequest {
  return { line: head.trimStart().split(/\r?\n/)[0] ?? '', head, body, isWhole }
}

interface Body {
  readonly text: string
  readonly rest: string
}

function cutLength(head: string, after: string): Body | undefined {
  const length = Number.parseInt(/^content-length\s*:\s*\+?(\d+)/im.exec(head)?.[1] ?? '0', 10)
  return after.length < length ? undefined : { text: after.slice(0, length), rest: after.slice(length) }
}

function cutChunks(after: string): Body | undefined {
  let text = ''
  for (let rest = after; ;) {
    const size = /^([0-9a-f]+)[^\n]*\n/i.exec(rest)
    if (size === null) return undefined
    const length = Number.parseInt(size[1] ?? '0', 16)
    const from = size[0].length
    if (rest.length < from + length + 2) return undefined
    if (length === 0) {
      const trailers = /^(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest.slice(from))
      return trailers === null ? undefined : { text, rest: rest.slice(from + trailers[0].length) }
    }
    text += rest.slice(from, from + length)
    rest = rest.slice(from + length).replace(/^\r?\n/, '')
  }
}
