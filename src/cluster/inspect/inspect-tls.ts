import { checkServerIdentity, connect } from 'node:tls'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

import type { CertificateFacts, TlsFacts } from '../../core/doctor/facts.ts'

interface Options {
  readonly ca: string | undefined
  readonly cert?: string
  readonly key?: string
  readonly timeoutMs: number
}

/** What a node shows of itself in a handshake, trusted or not. @returns `undefined` where it takes no connection, or speaks no TLS */
export function inspectTls(node: string, { timeoutMs, ...options }: Options): Promise<TlsFacts | undefined> {
  const { hostname, port } = new URL(node)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: port === '' ? 443 : Number(port),
      ...options,
      // IP addresses are no names for SNI (RFC 6066 section 3).
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      // Nothing is sent on this connection: it is judged here, whoever is at the other end.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    })
    const end = (facts: TlsFacts | undefined): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(facts)
    }
    const timer = setTimeout(() => end(undefined), timeoutMs)
    socket.once('error', () => end(undefined))
    socket.once('secureConnect', () => end(factsOf(socket, host)))
  })
}

function factsOf(socket: TLSSocket, host: string): TlsFacts {
  const own = socket.getPeerCertificate(true)
  return {
    protocol: socket.getProtocol() ?? '',
    chain: chainOf(own),
    names: own.subjectaltname ?? '',
    // Its type says an error; it is the error's code.
    untrusted: socket.authorized ? undefined : String(socket.authorizationError),
    isForAnotherName: checkServerIdentity(host, own) !== undefined,
  }
}

/** A root is its own issuer: there the chain ends. */
function chainOf(own: DetailedPeerCertificate): readonly CertificateFacts[] {
  const chain: CertificateFacts[] = []
  const seen = new Set<string>()
  for (
    let next: DetailedPeerCertificate | undefined = own;
    next !== undefined && !seen.has(next.fingerprint256);
    next = next.issuerCertificate as DetailedPeerCertificate | undefined
  ) {
    seen.add(next.fingerprint256)
    chain.push({
      subject: nameOf(next.subject),
      issuer: nameOf(next.issuer),
      validFrom: Date.parse(next.valid_from),
      validTo: Date.parse(next.valid_to),
    })
  }
  return chain
}

function nameOf(name: DetailedPeerCertificate['subject']): string {
  return Object.entries(name)
    .map(([type, value]) => `${type}=${[value].flat().join('+')}`)
    .join(',')
}
