import { continueTrace } from '../core/trace-context.ts'
import type { FreshIds } from '../core/trace-context.ts'
import { callerChain, vouchedElement } from './caller-chain.ts'
import type { IsTrustedProxy } from './caller-chain.ts'
import { requestHeaders, valuesOf } from './headers.ts'
import type { RawHeaders } from './headers.ts'
import { declaredTrailers } from './trailers.ts'

/** What the header boundary knows of one request. */
export interface Arrival {
  readonly rawHeaders: RawHeaders
  /** Toward the caller: `1.1`, `1.0` or `2.0`. */
  readonly httpVersion: string
  /** The other end of the connection. */
  readonly peer: string
  readonly isTls: boolean
  /** A body follows in chunks, of a length that is not told: only behind such a one come trailers. */
  readonly isChunked: boolean
  readonly requestId: string
  readonly fresh: FreshIds
}

/** What the operator says about the header boundary. */
export interface BoundaryRules {
  readonly isTrustedProxy: IsTrustedProxy
  /** Whether the caller may say `securitytenant`. */
  readonly allowTenantHeader: boolean
  /** As whom the request goes on, in place of the caller's `authorization`; `undefined` where it goes on as the caller. */
  readonly identity: Readonly<Record<string, string>> | undefined
}

const PSEUDONYM = 'memory-gateway'
// Beside for, proto and host, which are made anew. Not those that say who is calling (user, groups, email, client-cert): a proxy that is trusted
// about addresses often passes these on from anybody (oauth2-proxy CVE-2025-64484), and here only the token says who is calling.
const OF_TRUSTED_PROXIES = ['forwarded', 'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-server']
const HOST = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i
const MAX_HOST = 255

/** The headers of a request as they go on to the node: strip first, add ours after. Pure: what it returns is what the node gets. */
export function settleHeaders(
  arrival: Arrival,
  { isTrustedProxy, allowTenantHeader, identity }: BoundaryRules,
): string[] {
  const { rawHeaders, httpVersion, peer, isTls, isChunked, requestId, fresh } = arrival
  const chain = callerChain(valuesOf(rawHeaders, 'x-forwarded-for'), peer, isTrustedProxy)
  const isFromProxy = chain.trustedHops > 0
  const saidProto = vouchedElement(valuesOf(rawHeaders, 'x-forwarded-proto'), chain)?.toLowerCase()
  const saidHost = vouchedElement(valuesOf(rawHeaders, 'x-forwarded-host'), chain)
  const proto = isTls ? 'https' : 'http'
  const host = [saidHost, valuesOf(rawHeaders, 'host')[0]].find(isHost)
  const trailers = isChunked ? declaredTrailers(rawHeaders) : []
  const trace = continueTrace(valuesOf(rawHeaders, 'traceparent'), fresh)
  return requestHeaders(rawHeaders, {
    ours: {
      'x-request-id': requestId,
      traceparent: trace.traceparent,
      'x-forwarded-for': chain.addresses.join(', '),
      'x-forwarded-proto': saidProto === 'http' || saidProto === 'https' ? saidProto : proto,
      ...(host === undefined ? {} : { 'x-forwarded-host': host }),
      ...identity,
    },
    appended: {
      // RFC 9110 section 7.6.3.
      via: `${httpVersion} ${PSEUDONYM}`,
      ...(isFromProxy && valuesOf(rawHeaders, 'forwarded').length > 0
        ? { forwarded: forwardedElement(peer, proto) }
        : {}),
      // Only what may go on: the engines send the trailers that this promises, and no others.
      ...(trailers.length > 0 ? { trailer: trailers.join(', ') } : {}),
    },
    allowed: new Set([...(isFromProxy ? OF_TRUSTED_PROXIES : []), ...(allowTenantHeader ? ['securitytenant'] : [])]),
    // A trace state belongs to its trace (W3C Trace Context section 3.3).
    dropped: new Set([
      ...(trace.parentId === undefined ? ['tracestate'] : []),
      ...(identity === undefined ? [] : ['authorization']),
    ]),
  })
}

function isHost(text: string | undefined): boolean {
  return text !== undefined && text.length <= MAX_HOST && HOST.test(text)
}

/** RFC 7239 section 4. */
function forwardedElement(peer: string, proto: string): string {
  return `for=${peer.includes(':') ? `"[${peer}]"` : peer};proto=${proto}`
}
