import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the proxy does with a request instead of passing it on. */
export type Intercept = (seen: string) => { readonly status: number; readonly body: object } | 'silence' | 'pass'

export interface CountingProxy {
  readonly url: string
  /** Everything that came by, as in `POST /_mget`. */
  readonly seen: readonly string[]
  /** How often this was seen since the proxy started. */
  count(line: string): number
  intercept(how: Intercept): void
  close(): Promise<void>
}

/** Stands between the gateway and the cluster, counts what is asked, and can answer in the cluster's place. */
export async function startCountingProxy(clusterUrl: string): Promise<CountingProxy> {
  const cluster = new URL(clusterUrl)
  const seen: string[] = []
  let how: Intercept = () => 'pass'

  const server = createServer((request, response) => {
    const line = `${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`
    seen.push(line)
    const answer = how(line)
    if (answer === 'silence') return
    if (answer === 'pass') {
      passOn(cluster, request, response)
      return
    }
    request.resume()
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen,
    count: (line) => seen.filter((one) => one === line).length,
    intercept: (next) => {
      how = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function passOn(cluster: URL, request: IncomingMessage, response: ServerResponse): void {
  const { hostname, port } = cluster
  const { method, url, headers } = request
  const upstream = httpRequest({ hostname, port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  upstream.once('error', () => response.destroy())
  request.pipe(upstream)
}
