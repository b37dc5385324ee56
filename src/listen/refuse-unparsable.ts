import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A request whose answer is not out. */
export interface UnderWay {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Those that are told as soon as the answer before is out. */
const refused = new WeakSet<Socket>()

const PARSE_FAILURES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/**
 * What is not HTTP gets an answer too, and then the connection is closed: where its next request begins is not known. Whole requests that came
 * before it get theirs first, or it would be taken for one of them.
 */
export function refuseUnparsable(error: NodeJS.ErrnoException, socket: Socket, underWay: readonly UnderWay[]): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const before = underWay.find(({ request }) => request.complete)
  if (before !== undefined) {
    // Each further part that arrives fails again: one refusal is enough, and one listener.
    if (refused.has(socket)) return
    refused.add(socket)
    before.response.once('close', () => {
      refused.delete(socket)
      refuseUnparsable(error, socket, underWay)
    })
    return
  }
  if (underWay.some(({ response }) => response.headersSent)) {
    socket.destroy()
    return
  }
  const statusLine = PARSE_FAILURES[error.code ?? ''] ?? '400 Bad Request'
  const body = '{"error":"The request is not valid HTTP"}'
  const head = `HTTP/1.1 ${statusLine}\r\ncontent-type: application/json; charset=UTF-8\r\nconnection: close`
  socket.end(`${head}\r\ncontent-length: ${String(body.length)}\r\n\r\n${body}`)
}
