import { request as httpRequest } from 'node:http'
import type { Agent, IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { RequestOptions } from 'node:https'

/** One request, its target sent as it is written here: nothing normalises or encodes it. */
export interface Call {
  readonly method?: string
  readonly path: string
  /** Goes into `Authorization: Bearer`. */
  readonly token?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Uint8Array
  /** A connection of its own by default. */
  readonly agent?: Agent
  /** Certificates, for https. */
  readonly tls?: Pick<RequestOptions, 'ca' | 'cert' | 'key'>
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly bytes: Buffer
  readonly text: string
  /** The body as JSON; throws where it is none. */
  readonly body: unknown
}

/** Asks once over node:http. Rejects when no whole answer comes; the error says whether its connection had served a request before (`reusedSocket`). */
export function call(origin: string, { method = 'GET', path, token, headers, body, agent, tls }: Call): Promise<Reply> {
  const url = new URL(origin)
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = send(
      {
        host: url.hostname,
        port: url.port,
        method,
        path,
        agent: agent ?? false,
        ...tls,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          // Node frames no body of a GET or DELETE by itself.
          ...(body === undefined || headers?.['transfer-encoding'] !== undefined
            ? {}
            : { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(parts)
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            bytes,
            text: bytes.toString(),
            get body(): unknown {
              return JSON.parse(bytes.toString()) as unknown
            },
          })
        })
      },
    )
    request.on('error', (error) => reject(Object.assign(error, { reusedSocket: request.reusedSocket })))
    request.end(body)
  })
}
