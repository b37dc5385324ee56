import { UNAVAILABLE } from '../core/cluster-nodes.ts'
import type { Attempt, ClusterNodes } from '../core/cluster-nodes.ts'
import { GatewayError } from '../core/failure.ts'
import { neverSent } from '../core/never-sent.ts'
import type { Stopwatch } from '../core/stopwatch.ts'
import type { Tracing } from '../core/tracing.ts'
import { callNode, headerOf } from './call-node.ts'
import { ChosenConnectionPool } from './chosen-connection.ts'
import { errors, Serializer } from './official-client.ts'
import { isObject } from './reading.ts'
import { whereAgain } from './request.ts'
import type { ClusterAnswer, ClusterRequest } from './request.ts'
import { authorizationOf, certificateOf } from './service-identity.ts'
import type { ServiceIdentity } from './service-identity.ts'
import { undiciConnectionClass } from './undici-connection.ts'

export interface ClusterOptions {
  readonly name: string
  readonly nodes: readonly string[]
  /** Which of them a request goes to; shared with pass-through. */
  readonly choice: ClusterNodes
  /** PEM; the system's authorities where absent. */
  readonly ca: string | undefined
  readonly service: ServiceIdentity
  readonly connectTimeoutMs: number
  /** After so long a node that has not answered is given up for another one, where there is one. */
  readonly attemptTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly maxConnections: number
  readonly tracing?: Tracing | undefined
}

/** One cluster, spoken to as the service identity. */
export interface ClusterClient {
  readonly name: string
  /**
   * Sends one request and reads the whole answer. It goes to another node where it never reached the first; only a repeatable one is sent again
   * otherwise, and all that within the cluster's budget for retries.
   * @param signal the deadline of the caller, and whether it is still there
   * @throws GatewayError upstreamUnavailable, upstreamTimeout, upstreamInvalid
   */
  request(request: ClusterRequest, signal: AbortSignal): Promise<ClusterAnswer>
  /** Whether a node answers and has joined its cluster. */
  isWell(node: string, signal: AbortSignal): Promise<boolean>
  /** `X-OpenSearch-Version` as the cluster last sent it. */
  versionHeader(): string | undefined
  close(): Promise<void>
}

/** Opens a cluster: no connection is made before the first request. */
export function openCluster(options: ClusterOptions): ClusterClient {
  const { choice, attemptTimeoutMs, tracing } = options
  const authorization = authorizationOf(options.service)
  let versionHeader: string | undefined
  const connections = openConnections(options)
  const serializer = new Serializer({
    enableLongNumeralSupport: true,
    // Stored documents may hold a key of that name; nothing here merges or reads it.
    disablePrototypePoisoningProtection: true,
  })

  async function ask(node: string, request: ClusterRequest, signals: readonly AbortSignal[]): Promise<ClusterAnswer> {
    const { method, path, querystring, body, contentType, wants, headers: more } = request
    const connection = connections.getConnection({ requestId: node })
    if (connection === null) throw new GatewayError('upstreamUnavailable')
    const said = authorization()
    const headers = {
      'user-agent': 'opensearch-memory-gateway',
      'content-type': contentType ?? 'application/json',
      ...(said === undefined ? {} : { authorization: said }),
      ...more,
      ...tracing?.outgoing(),
    }
    try {
      const query = serializer.qserialize({ ...querystring })
      const answer = await callNode(
        connection,
        { method, path, querystring: query, headers, body: body ?? null },
        signals,
      )
      versionHeader = headerOf(answer, 'x-opensearch-version') ?? versionHeader
      const type = headerOf(answer, 'content-type') ?? ''
      const isJson = type.includes('application/json') && answer.text !== '' && wants !== 'text'
      const told: unknown = isJson ? serializer.deserialize(answer.text) : answer.text
      return { status: answer.status, contentType: type, body: told }
    } catch (error) {
      // A deadline that comes while the answer's body is read looks like a broken connection.
      throw signals.some(hasEnded) ? new GatewayError('upstreamTimeout', { cause: error }) : failureOf(error)
    }
  }

  /** Sends a request to one node, and tells what that says of the node. */
  async function send(attempt: Attempt, request: ClusterRequest, signal: AbortSignal): Promise<ClusterAnswer> {
    const givenUp = new AbortController()
    const giveUp = (): void => givenUp.abort()
    attempt.onHung(giveUp)
    const onSilence = (): void => {
      attempt.silent()
      giveUp()
    }
    // Where there is no other node, giving up would only add to what troubles this one.
    const isPatient = request.mayTakeLong === true || !choice.hasOther(attempt.node)
    const timer = isPatient ? undefined : setTimeout(onSilence, attemptTimeoutMs)
    try {
      const answer = await ask(attempt.node, request, [signal, givenUp.signal])
      attempt.heard(answer.status)
      return answer
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'upstreamUnavailable') attempt.failed()
      throw error
    } finally {
      clearTimeout(timer)
      attempt.end()
    }
  }

  return {
    name: options.name,
    async request(request, signal) {
      if (signal.aborted) throw new GatewayError('upstreamTimeout', { cause: neverSent(new Error('No time was left')) })
      const tried = new Set<string>()
      for (let attempt = choice.first(); ;) {
        const { node } = attempt
        const result = await send(attempt, request, signal).then(
          (answer) => ({ answer, error: undefined }),
          (error: unknown) => ({ answer: undefined, error }),
        )
        const again = hasEnded(signal) ? 'no' : whereAgain(request, result, tried.has(node))
        tried.add(node)
        const next = again === 'no' ? undefined : choice.next(tried, again === 'anywhere')
        if (next !== undefined) attempt = next
        else if (result.answer !== undefined) return result.answer
        else throw result.error
      }
    },
    async isWell(node, signal) {
      const request = { method: 'GET', path: CHECK } as const
      const { status, body } = await ask(node, request, [signal])
      const isAlone = isObject(body) && body['discovered_cluster_manager'] === false
      return !UNAVAILABLE.has(status) && !isAlone
    },
    versionHeader: () => versionHeader,
    close: () => new Promise((resolve) => connections.empty(resolve)),
  }
}

function openConnections(options: ClusterOptions): ChosenConnectionPool {
  const pool = new ChosenConnectionPool({
    Connection: undiciConnectionClass(options),
    ssl: {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...certificateOf(options.service),
    },
    emit: () => false,
  })
  for (const node of options.nodes) pool.addConnection(node)
  return pool
}

/** The same client, with a watch that runs while it is waited for. */
export function timedClient(client: ClusterClient, waited: Stopwatch | undefined): ClusterClient {
  if (waited === undefined) return client
  return { ...client, request: (request, signal) => waited.during(() => client.request(request, signal)) }
}

/** What the node itself knows: it asks no other for this. Who may not ask it gets an answer all the same, from a node that is well. */
const CHECK = '/_cluster/health?local=true&filter_path=discovered_cluster_manager'

function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted
}

function failureOf(error: unknown): GatewayError {
  if (error instanceof errors.RequestAbortedError) {
    return new GatewayError('upstreamTimeout', { cause: error })
  }
  if (error instanceof errors.ConnectionError) {
    return new GatewayError('upstreamUnavailable', { cause: error })
  }
  return new GatewayError('upstreamInvalid', { cause: error })
}
