import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A server that says, byte for byte, what a test tells it to, whatever it was asked. */
export interface ScriptedUpstream {
  readonly url: string
  /** The head of every request so far, as it came. */
  readonly heads: readonly string[]
  /** What came behind the last chunk of every request in chunks that came to its end, as it came. */
  readonly trailers: readonly string[]
  /** Bytes that came so far, heads included. */
  readonly bytes: () => number
  /** Requests that came to their end. */
  readonly whole: () => number
  /** Requests that were passed through, and are on a connection that stands, without an end or an answer. */
  readonly openRequests: () => number
  /** Connections that stand at the moment, but for those of the gateway's own looks. */
  readonly openConnections: () => number
  /** What is said to each request from now on; `when` its head has come (an early answer), or all of it. */
  answer(text: string, options?: AnswerOptions): void
  /** Takes over the connection of each request from now on, as soon as its head has come. */
  serve(script: (socket: Socket) => void): void
  /** Says nothing from now on, and forgets what it has seen. */
  reset(): void
  close(): Promise<void>
}

interface AnswerOptions {
  readonly when?: 'head' | 'whole'
  readonly thenClose?: boolean
}

type Script = (socket: Socket, isWhole: boolean) => boolean

const HEAD_END = '\r\n\r\n'
/** The last chunk, and the trailers behind it (RFC 9112 section 7.1). */
const LAST_CHUNK = /(?:^|\r\n)0\r\n((?:[^\r\n]+\r\n)*)\r\n$/
const LONGEST_END = 1_024
const PASSED_THROUGH = /^via: /im

export async function startScriptedUpstream(): Promise<ScriptedUpstream> {
  const sockets = new Set<Socket>()
  const passed = new Set<Socket>()
  const busy = new Set<Socket>()
  let heads: string[] = []
  let trailers: string[] = []
  let bytes = 0
  let whole = 0
  let script: Script = () => false
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => [sockets, passed, busy].forEach((set) => set.delete(socket)))
    let head = ''
    let early = ''
    let tail = ''
    let bodyBytes = 0
    let isAnswered = false
    socket.on('data', (part) => {
      bytes += part.length
      let body = part.toString('latin1')
      if (head === '') {
        early += body
        const end = early.indexOf(HEAD_END)
        if (end === -1) return
        head = early.slice(0, end + 2)
        body = early.slice(end + HEAD_END.length)
        early = ''
        if (PASSED_THROUGH.test(head)) {
          heads.push(head)
          passed.add(socket)
          busy.add(socket)
        }
      }
      bodyBytes += body.length
      tail = (tail + body).slice(-LONGEST_END)
      const lastChunk = isChunked(head) ? LAST_CHUNK.exec(tail) : null
      const isWhole = isChunked(head) ? lastChunk !== null : bodyBytes >= lengthOf(head)
      const isOwn = !PASSED_THROUGH.test(head)
      if (isWhole && !isOwn) whole += 1
      if (lastChunk !== null && !isOwn) trailers.push(lastChunk[1] ?? '')
      isAnswered ||= (isOwn ? answerNothing : script)(socket, isWhole)
      if (isAnswered) busy.delete(socket)
      if (!isWhole) return
      head = ''
      tail = ''
      bodyBytes = 0
      isAnswered = false
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    get heads() {
      return heads
    },
    get trailers() {
      return trailers
    },
    bytes: () => bytes,
    whole: () => whole,
    openRequests: () => busy.size,
    openConnections: () => passed.size,
    answer(text, { when = 'whole', thenClose = false } = {}) {
      script = (socket, isWhole) => {
        if (when === 'whole' && !isWhole) return false
        if (thenClose) socket.end(Buffer.from(text, 'latin1'))
        else socket.write(Buffer.from(text, 'latin1'))
        return true
      }
    },
    serve(take) {
      script = (socket) => {
        take(socket)
        return true
      }
    },
    reset() {
      heads = []
      trailers = []
      bytes = 0
      whole = 0
      script = () => false
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const NO_INDICES = '{"indices":[],"aliases":[],"data_streams":[]}'

/** For the gateway's own looks at its cluster, which come at any time. */
const answerNothing: Script = (socket, isWhole) => {
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${String(NO_INDICES.length)}`
  if (isWhole) socket.write(`${head}\r\n\r\n${NO_INDICES}`)
  return isWhole
}

function lengthOf(head: string): number {
  return Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
}

function isChunked(head: string): boolean {
  return /^transfer-encoding: chunked/im.test(head)
}
