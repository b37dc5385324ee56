import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Who may ask more than probes and metrics on the ops port. */
export interface OpsAccess {
  /** Where the port listens. */
  readonly host: string
  readonly token: string | undefined
}

export interface OpsRefusal {
  readonly status: 401 | 403 | 421
  readonly error: string
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i

/** What the ops page needs: nothing, the operator's token, or one that is not there yet. */
export function accessOf({ host, token }: OpsAccess): 'open' | 'token' | 'closed' {
  if (token !== undefined) return 'token'
  return LOOPBACK.test(host) ? 'open' : 'closed'
}

/**
 * Refuses who may not ask: off loopback only the operator's token opens anything, and a `Host` that is not this port's own is a page
 * in somebody's browser whose name was pointed here (DNS rebinding).
 */
export function refuseOps(request: IncomingMessage, { host, token }: OpsAccess): OpsRefusal | undefined {
  if (!isOwnHost(request, host)) return { status: 421, error: 'The Host header names another host than this port' }
  if (token === undefined) {
    if (LOOPBACK.test(host)) return undefined
    return { status: 403, error: 'The ops port is not on loopback: set ops.token, and send it as a bearer token' }
  }
  const [sent, ...others] = request.headersDistinct['authorization'] ?? []
  const given = /^Bearer +(\S+)$/i.exec(sent ?? '')?.[1]
  if (given !== undefined && others.length === 0 && isSame(given, token)) return undefined
  return { status: 401, error: 'Send ops.token of the configuration as a bearer token' }
}

function isOwnHost(request: IncomingMessage, host: string): boolean {
  const [sent = '', ...others] = request.headersDistinct['host'] ?? []
  const name = sent
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  const arrivedAt = (request.socket.localAddress ?? '').replace(/^::ffff:/, '')
  return others.length === 0 && (LOOPBACK.test(name) || name === host.toLowerCase() || name === arrivedAt)
}

/** In a time that says nothing of where they differ, nor of their lengths. */
function isSame(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}
