import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it arrived at the plugin's door. */
export interface Arrival {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface PluginStandIn {
  readonly url: string
  /** What arrived under `/_plugins/_ml/`, in order; emptied by the call. */
  take(): readonly Arrival[]
  close(): Promise<void>
}

const ANSWER = '{"stand_in":  true}'

/** What the stand-in answers, to the byte. */
export const STAND_IN_ANSWER = { status: 202, text: ANSWER }

/**
 * The real cluster, with a stand-in for the ml-commons plugin, which it may not have: what is asked of the plugin is kept and answered with
 * {@link STAND_IN_ANSWER}, everything else goes to the cluster.
 */
export async function startPluginStandIn(clusterUrl: string): Promise<PluginStandIn> {
  const cluster = new URL(clusterUrl)
  let arrivals: Arrival[] = []
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/_plugins/_ml/') === true) keep(request, response, (one) => arrivals.push(one))
    else passOn(cluster, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    take() {
      const taken = arrivals
      arrivals = []
      return taken
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function keep(request: IncomingMessage, response: ServerResponse, add: (arrival: Arrival) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.once('end', () => {
    const { method = '', url = '', headers } = request
    const plain = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')])
    add({
      method,
      target: url,
      headers: Object.fromEntries(plain) as Record<string, string>,
      body: Buffer.concat(chunks),
    })
    response.writeHead(STAND_IN_ANSWER.status, { 'content-type': 'application/json' }).end(ANSWER)
  })
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
