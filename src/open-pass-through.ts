import type { IncomingMessage, ServerResponse } from 'node:http'

import { authorizationOf } from './cluster/service-identity.ts'
import type { ConfigFile } from './config/schema.ts'
import { proxyHeaders } from './core/cluster-identity.ts'
import type { ClusterNodes } from './core/cluster-nodes.ts'
import type { Tracing } from './core/tracing.ts'
import type { ForwardOptions, UpgradingEngine } from './forward/engine.ts'
import type { RawHeaders } from './forward/headers.ts'
import { forwardWithUndici } from './forward/with-undici.ts'
import { withHelpOf } from './forward/with-help-of.ts'
import type { ClusterParts } from './handlers/exchange.ts'

type Cluster = ConfigFile['clusters'][string]

/** A way to pass a request on: `Forward`, or that of an upgrade. */
type Send<Rest extends unknown[], Came> = (
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
  ...rest: Rest
) => Promise<Came>

/** The same way to pass a request on, with a span for it where anybody collects spans. */
export function traced<Rest extends unknown[], Came>(
  send: Send<Rest, Came>,
  cluster: string,
  tracing: Tracing | undefined,
): Send<Rest, Came> {
  if (tracing === undefined) return send
  return async (request, response, headers, ...rest) => {
    const attributes = { 'http.request.method': request.method ?? '', 'memory_gateway.cluster': cluster }
    const sending = Promise.withResolvers<Came>()
    const status = tracing.forward(headers, attributes, async (withTrace) => {
      sending.resolve(await send(request, response, withTrace, ...rest))
      return response.statusCode
    })
    await status
    return sending.promise
  }
}

/** The same way to pass a request on, with somebody told how long it took in seconds. */
export function timed<Rest extends unknown[], Came>(
  send: Send<Rest, Came>,
  tell: (seconds: number, result: 'answered' | 'failed') => void,
): Send<Rest, Came> {
  return async (...exchange) => {
    const startedAt = performance.now()
    const end = (result: 'answered' | 'failed'): void => tell((performance.now() - startedAt) / 1000, result)
    try {
      const came = await send(...exchange)
      end('answered')
      return came
    } catch (error) {
      end('failed')
      throw error
    }
  }
}

type Identify = ClusterParts['identityOf']

/** As whom requests are passed through. */
export function identityOf({ service, passThrough }: Cluster): Identify {
  switch (passThrough.identity) {
    case 'caller':
      return () => undefined
    case 'proxyHeaders':
      return proxyHeaders
    case 'service': {
      const authorization = authorizationOf(service)
      return () => {
        const said = authorization()
        return said === undefined ? {} : { authorization: said }
      }
    }
  }
}

function clientCertificateOf({ service, passThrough }: Cluster): ForwardOptions['clientCertificate'] {
  const { identity, cert, key } = passThrough
  if (identity === 'service') {
    return service.kind === 'clientCertificate' ? { cert: service.cert, key: service.key } : undefined
  }
  return identity === 'proxyHeaders' && cert !== undefined && key !== undefined ? { cert, key } : undefined
}

/** The engine that passes requests on to one cluster, on connections of its own. */
export async function openEngine(cluster: Cluster, choice: ClusterNodes): Promise<UpgradingEngine> {
  const options: ForwardOptions = {
    nodes: cluster.nodes,
    choice,
    ca: cluster.tls.ca,
    clientCertificate: clientCertificateOf(cluster),
    connectTimeoutMs: cluster.connectTimeout,
    idleTimeoutMs: cluster.idleTimeout,
    silenceTimeoutMs: cluster.silenceTimeout,
    maxConnections: cluster.maxConnections,
  }
  // Loaded only where it is wanted.
  const openOther = async (): Promise<UpgradingEngine> => {
    const { forwardWithHttpProxyMiddleware } = await import('./forward/with-http-proxy-middleware.ts')
    return forwardWithHttpProxyMiddleware(options)
  }
  return cluster.passThrough.engine === 'undici' ? withHelpOf(forwardWithUndici(options), openOther) : await openOther()
}
