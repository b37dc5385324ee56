import { GatewayError } from '../core/failure.ts'
import { mayHaveRun, neverSent } from '../core/never-sent.ts'

/** @param isBodyUsed the middleware reads a body before it has a connection, so that it cannot be sent to another node */
export function failureOf(error: unknown, isBodyUsed: boolean): GatewayError {
  if (error instanceof GatewayError) return error
  const { code, syscall } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown
    syscall?: unknown
  }
  if (syscall === 'connect' || syscall === 'getaddrinfo' || !mayHaveRun(error)) {
    const cause = new Error('No connection', { cause: error })
    return new GatewayError('upstreamUnavailable', { cause: isBodyUsed ? cause : neverSent(cause) })
  }
  return new GatewayError(code === 'ETIMEDOUT' ? 'upstreamTimeout' : 'upstreamUnavailable', { cause: error })
}
