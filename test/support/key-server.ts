import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a key server answers; `path` picks the document where it has several. */
export type KeyServerBehaviour = (request: IncomingMessage, response: ServerResponse) => void

/** A real HTTP server on a free port of the loopback, which counts what it is asked. */
export interface KeyServer {
  readonly origin: string
  /** Requests so far, answered or not. */
  readonly requests: () => number
  /** Paths in the order asked for. */
  readonly asked: readonly string[]
  behave(behaviour: KeyServerBehaviour): void
  close(): Promise<void>
}

export async function startKeyServer(behaviour: KeyServerBehaviour): Promise<KeyServer> {
  let current = behaviour
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    current(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    requests: () => asked.length,
    asked,
    behave: (next) => void (current = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Documents by path; 404 for any other. */
export function serving(documents: Readonly<Record<string, unknown>>): KeyServerBehaviour {
  return (request, response) => {
    const path = request.url ?? ''
    const found = Object.hasOwn(documents, path)
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ? documents[path] : { error: 'not found' }))
  }
}

/** The same answer to everything. */
export function answering(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): KeyServerBehaviour {
  return (_request, response) => response.writeHead(status, headers).end(body)
}

/** Takes the connection and breaks it. */
export const hangingUp: KeyServerBehaviour = (request) => request.socket.destroy()

/** Takes the request and says nothing. */
export const neverAnswering: KeyServerBehaviour = () => undefined

/** A document without end. */
export const endless: KeyServerBehaviour = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const more = () => {
    while (response.writable && response.write('{"keys":[],"padding":"'.padEnd(16_384, ' ')));
  }
  response.on('drain', more)
  more()
}

/** The start of a document, and then nothing. */
export const stalling: KeyServerBehaviour = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"keys":[')
}

/** Resolves as soon as the condition holds; the runner's own limit ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2))
}
