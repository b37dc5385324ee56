import { Client, errors } from '@opensearch-project/opensearch'

import { GatewayError } from '../core/failure.ts'
import { mayHaveRun, neverSent, undiciConnectionClass } from './undici-connection.ts'

/** As whom the gateway itself speaks to the cluster. */
export type ServiceIdentity =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  /** PEM. The pair belongs to this identity's connections alone. */
  | { readonly kind: 'clientCertificate'; readonly cert: string; readonly key: string }

export interface ClusterOptions {
  readonly name: string
  readonly nodes: readonly string[]
  /** PEM; the system's authorities where absent. */
  readonly ca: string | undefined
  readonly service: ServiceIdentity
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly maxConnections: number
}

export interface ClusterRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly querystring?: Readonly<Record<string, string>>
  readonly body?: string
  readonly contentType?: 'application/json' | 'application/x-ndjson'
}

export interface ClusterAnswer {
  readonly status: number
  readonly body: unknown
}

/** One cluster, spoken to as the service identity. */
export interface ClusterClient {
  readonly name: string
  /**
   * Sends one request and reads the whole answer. It goes to another node where it never reached the first; nothing else is sent again.
   * @param signal the deadline of the caller, and whether it is still there
   * @throws GatewayError upstreamUnavailable, upstreamTimeout, upstreamInvalid
   */
  request(request: ClusterRequest, signal: AbortSignal): Promise<ClusterAnswer>
  /** `X-OpenSearch-Version` as the cluster last sent it. */
  versionHeader(): string | undefined
  close(): Promise<void>
}

/** Opens a cluster: no connection is made before the first request. */
export function openCluster(options: ClusterOptions): ClusterClient {
  let versionHeader: string | undefined
  const client = new Client({
    nodes: [...options.nodes],
    Connection: undiciConnectionClass(options),
    // A delete is never sent twice by the client: what may have run is looked at first.
    maxRetries: 0,
    // A node that failed is tried again after a while; with 'none' it would stay out for as long as another one answers.
    resurrectStrategy: 'optimistic',
    enableLongNumeralSupport: true,
    // Stored documents may hold a key of that name; nothing here merges or reads it.
    disablePrototypePoisoningProtection: true,
    headers: credentials(options.service),
    ssl: {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...certificate(options.service),
      rejectUnauthorized: true,
    },
  })

  async function send(request: ClusterRequest, signal: AbortSignal): Promise<ClusterAnswer> {
    if (signal.aborted) throw new GatewayError('upstreamTimeout', { cause: neverSent(new Error('No time was left')) })
    const { method, path, querystring, body, contentType } = request
    const pending = client.transport.request(
      {
        method,
        path,
        ...(body === undefined ? {} : { body }),
        ...(querystring === undefined ? {} : { querystring: { ...querystring } }),
      },
      { maxRetries: 0, headers: { 'content-type': contentType ?? 'application/json' } },
    )
    // Returns nothing: Node would take the client's thenable for an async listener's, and end the process when it rejects.
    const abort = (): void => {
      pending.abort()
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      const answer = await pending
      const version: unknown = answer.headers?.['x-opensearch-version']
      if (typeof version === 'string') versionHeader = version
      return { status: answer.statusCode ?? 0, body: answer.body as unknown }
    } catch (error) {
      if (error instanceof errors.ResponseError) return { status: error.statusCode, body: error.body as unknown }
      // A deadline that comes while the answer's body is read looks like a broken connection.
      throw hasEnded(signal) ? new GatewayError('upstreamTimeout', { cause: error }) : failureOf(error)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  return {
    name: options.name,
    async request(request, signal) {
      for (let node = 1; ; node++) {
        try {
          return await send(request, signal)
        } catch (error) {
          const isLast = node === options.nodes.length || hasEnded(signal)
          if (isLast || !(error instanceof GatewayError) || mayHaveRun(error.cause)) throw error
        }
      }
    },
    versionHeader: () => versionHeader,
    close: () => client.close(),
  }
}

function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted
}

function failureOf(error: unknown): GatewayError {
  if (error instanceof errors.RequestAbortedError || error instanceof errors.TimeoutError) {
    return new GatewayError('upstreamTimeout', { cause: error })
  }
  if (error instanceof errors.ConnectionError || error instanceof errors.NoLivingConnectionsError) {
    return new GatewayError('upstreamUnavailable', { cause: error })
  }
  return new GatewayError('upstreamInvalid', { cause: error })
}

function credentials(service: ServiceIdentity): Record<string, string> {
  switch (service.kind) {
    case 'basic': {
      const pair = Buffer.from(`${service.username}:${service.password}`).toString('base64')
      return { authorization: `Basic ${pair}` }
    }
    case 'bearer':
      return { authorization: `Bearer ${service.token}` }
    case 'none':
    case 'clientCertificate':
      return {}
  }
}

function certificate(service: ServiceIdentity): { cert?: string; key?: string } {
  return service.kind === 'clientCertificate' ? { cert: service.cert, key: service.key } : {}
}
