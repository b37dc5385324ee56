import { connect } from 'node:net'

/** What came back on a connection, byte for byte (latin1), until the server closed it. */
export interface RawReply {
  readonly text: string
  /** The status of every answer in it, in order. */
  readonly statuses: readonly number[]
  /** The bodies of those answers that have a Content-Length. */
  readonly bodies: readonly string[]
}

/** No answer and no close in this time is a hung server. */
const LIVENESS_MS = 20_000

/**
 * Writes bytes on a new connection and reads until the server closes it: let the last request say `Connection: close`.
 * @param payload a string stands for its latin1 bytes
 */
export function sendRaw(origin: string, payload: string | Uint8Array): Promise<RawReply> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    const parts: Buffer[] = []
    const liveness = setTimeout(() => socket.destroy(new Error('neither an answer nor a close')), LIVENESS_MS)
    let failure: NodeJS.ErrnoException | undefined
    socket.on('data', (part) => parts.push(part))
    socket.on('error', (error: NodeJS.ErrnoException) => (failure = error))
    socket.on('close', () => {
      clearTimeout(liveness)
      // A server that closes while bytes still arrive resets the connection: as good as a close.
      if (failure !== undefined && !['ECONNRESET', 'EPIPE'].includes(failure.code ?? '')) reject(failure)
      else resolve(readReplies(Buffer.concat(parts).toString('latin1')))
    })
    socket.write(typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload)
  })
}

function readReplies(text: string): RawReply {
  const statuses: number[] = []
  const bodies: string[] = []
  for (const match of text.matchAll(/HTTP\/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/g)) {
    statuses.push(Number(match[1]))
    const length = Number(/^content-length: (\d+)/im.exec(match[2] ?? '')?.[1] ?? 0)
    const start = match.index + match[0].length
    bodies.push(Buffer.from(text.slice(start, start + length), 'latin1').toString())
  }
  return { text, statuses, bodies }
}

/** A request as text, with `Connection: close` unless the headers say otherwise. */
export function rawRequest(line: string, headers: readonly string[], body = ''): string {
  const close = headers.some((header) => /^connection:/i.test(header)) ? [] : ['Connection: close']
  return `${[`${line} HTTP/1.1`, 'Host: gateway.test', ...headers, ...close].join('\r\n')}\r\n\r\n${body}`
}
