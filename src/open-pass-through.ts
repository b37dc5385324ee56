import { authorizationOf } from './cluster/service-identity.ts'
import type { ConfigFile } from './config/schema.ts'
import { proxyHeaders } from './core/cluster-identity.ts'
import type { ClusterNodes } from './core/cluster-nodes.ts'
import type { Tracing } from './core/tracing.ts'
import type { Engine, Forward, ForwardOptions } from './forward/engine.ts'
import { forwardWithUndici } from './forward/with-undici.ts'
import { withTrailersBy } from './forward/with-trailers-by.ts'
import type { ClusterParts } from './handlers/exchange.ts'

type Cluster = ConfigFile['clusters'][string]

/** The same way to pass a request on, with a span for it where anybody collects spans. */
export function traced(forward: Forward, cluster: string, tracing: Tracing | undefined): Forward {
  if (tracing === undefined) return forward
  return (request, response, headers, body) => {
    const attributes = { 'http.request.method': request.method ?? '', 'memory_gateway.cluster': cluster }
    return tracing.forward(headers, attributes, async (withTrace) => {
      await forward(request, response, withTrace, body)
      return response.statusCode
    })
  }
}

/** The same way to pass a request on, with somebody told how long it took in seconds. */
export function timed(forward: Forward, tell: (seconds: number, result: 'answered' | 'failed') => void): Forward {
  return async (...exchange) => {
    const startedAt = performance.now()
    const end = (result: 'answered' | 'failed'): void => tell((performance.now() - startedAt) / 1000, result)
    try {
      await forward(...exchange)
      end('answered')
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
export async function openEngine(cluster: Cluster, choice: ClusterNodes): Promise<Engine> {
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
  const openOther = async (): Promise<Engine> => {
    const { forwardWithHttpProxyMiddleware } = await import('./forward/with-http-proxy-middleware.ts')
    return forwardWithHttpProxyMiddleware(options)
  }
  return cluster.passThrough.engine === 'undici'
    ? withTrailersBy(forwardWithUndici(options), openOther)
    : await openOther()
}
