import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from 'cockatiel'

import { GatewayError } from '../core/failure.ts'
import { neverSent } from '../core/never-sent.ts'
import type { ClusterClient } from './client.ts'
import type { ClusterAnswer, ClusterRequest } from './request.ts'

export interface CircuitOptions {
  /** So many requests in a row without a word from the cluster open the circuit. */
  readonly failures: number
  /** For how long it then stays open, before one request tries again. */
  readonly cooldownMs: number
}

export interface CircuitHealth {
  /** `half-open`: the next request tries the cluster, or is doing so. */
  readonly state: 'closed' | 'open' | 'half-open'
  /** How often it has opened so far. */
  readonly opened: number
  /** How many calls it has turned away so far. */
  readonly refused: number
}

/**
 * Keeps requests from a cluster that is down: they would wait for their deadline, and the cluster for its rest. While it is open callers are told
 * so at once; then one request, with whoever shares it, tries again.
 */
export interface Circuit {
  health(): CircuitHealth
  /** @throws GatewayError circuitOpen, for a caller that has sent nothing yet */
  admit(): void
  /** The same client behind the circuit. */
  guard(client: ClusterClient): ClusterClient
}

export function openCircuit({ failures, cooldownMs }: CircuitOptions): Circuit {
  const policy = circuitBreaker(handleWhen((error) => error instanceof Silence).orWhenResult(isOutage), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: cooldownMs,
  })
  let openedAt = 0
  let opened = 0
  let refused = 0
  policy.onBreak(() => {
    openedAt = Date.now()
    opened += 1
  })
  const leftMs = (): number => openedAt + cooldownMs - Date.now()

  function admit(): void {
    const isTrying = policy.state === CircuitState.HalfOpen
    if (!isTrying && (policy.state === CircuitState.Closed || leftMs() <= 0)) return
    refused += 1
    const retryAfterSeconds = Math.max(1, Math.ceil((isTrying ? 0 : leftMs()) / 1_000))
    throw new GatewayError('circuitOpen', { retryAfterSeconds, cause: neverSent(new Error('The circuit is open')) })
  }

  async function send(client: ClusterClient, request: ClusterRequest, signal: AbortSignal): Promise<ClusterAnswer> {
    const isTrial = policy.state === CircuitState.HalfOpen
    try {
      return await client.request(request, signal)
    } catch (error) {
      // A trial that its callers left has proven nothing: the circuit stays open.
      throw isTrial || isSilence(error, request, signal) ? new Silence(error) : error
    }
  }

  return {
    health() {
      if (policy.state === CircuitState.Closed) return { state: 'closed', opened, refused }
      const isOpen = policy.state === CircuitState.Open && leftMs() > 0
      return { state: isOpen ? 'open' : 'half-open', opened, refused }
    },
    admit,
    guard: (client) => ({
      ...client,
      async request(request, signal) {
        admit()
        try {
          return await policy.execute(() => send(client, request, signal))
        } catch (error) {
          throw error instanceof Silence ? error.cause : error
        }
      },
    }),
  }
}

/** Carries a failure that counts past the breaker. */
class Silence extends Error {
  constructor(cause: unknown) {
    super('The cluster said nothing', { cause })
  }
}

/** What a balancer answers for a cluster that is down, and the cluster without a manager. */
function isOutage(answer: unknown): boolean {
  const { status } = answer as ClusterAnswer
  return status === 502 || status === 503 || status === 504
}

function isSilence(error: unknown, { querystring }: ClusterRequest, signal: AbortSignal): boolean {
  if (!(error instanceof GatewayError)) return false
  if (error.code === 'upstreamUnavailable') return true
  // Callers that hang up say nothing about the cluster, or any of them could open the circuit for all; nor does a refresh that takes its time.
  const isLate = error.code === 'upstreamTimeout' && nameOf(signal.reason) === 'TimeoutError'
  return isLate && querystring?.['refresh'] !== 'wait_for'
}

function nameOf(reason: unknown): unknown {
  return typeof reason === 'object' && reason !== null && 'name' in reason ? reason.name : undefined
}
