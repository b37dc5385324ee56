import { UNAVAILABLE } from '../core/cluster-nodes.ts'
import { GatewayError } from '../core/failure.ts'
import { mayHaveRun } from '../core/never-sent.ts'

export interface ClusterRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly querystring?: Readonly<Record<string, string>>
  readonly body?: string
  readonly contentType?: 'application/json' | 'application/x-ndjson'
  /** Beside those of every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** The answer's body is its text, not what it says. */
  readonly wants?: 'text'
  /** Doing it twice is the same as doing it once: it goes to another node where the first one was no use. */
  readonly isRepeatable?: boolean
  /** A node may be silent over it for as long as the caller has time, as one that waits for a refresh: given up only once the node is known to hang. */
  readonly mayTakeLong?: boolean
}

export interface ClusterAnswer {
  readonly status: number
  readonly body: unknown
  readonly contentType?: string
}

interface SendResult {
  readonly answer: ClusterAnswer | undefined
  readonly error: unknown
}

/** Where a request may be sent once more: to another node, to any, or nowhere. */
export function whereAgain(
  request: ClusterRequest,
  { answer, error }: SendResult,
  isSecond: boolean,
): 'elsewhere' | 'anywhere' | 'no' {
  const isRepeatable = request.isRepeatable === true && !isSecond
  if (answer !== undefined) return isRepeatable && UNAVAILABLE.has(answer.status) ? 'elsewhere' : 'no'
  if (!(error instanceof GatewayError)) return 'no'
  if (!mayHaveRun(error.cause)) return 'elsewhere'
  if (!isRepeatable) return 'no'
  // A kept connection may have been closed under it: then the same node will do.
  if (error.code === 'upstreamUnavailable') return 'anywhere'
  return error.code === 'upstreamTimeout' ? 'elsewhere' : 'no'
}
