import { X509Certificate } from 'node:crypto'

import type { ConfigProblem } from './problem.ts'
import type { ConfigFile } from './schema.ts'

/** What pass-through may not be toward a cluster. Run once files are read. */
export function checkIdentities({ clusters }: ConfigFile): readonly ConfigProblem[] {
  return Object.entries(clusters).flatMap(([name, { service, passThrough }]) => {
    if (passThrough.cert === undefined) return []
    const path = `clusters.${name}.passThrough.cert`
    const own = parse(passThrough.cert)
    if (own === undefined) return [{ path, message: 'is not a PEM certificate; name the file of one' }]
    const services = service.kind === 'clientCertificate' ? parse(service.cert) : undefined
    // The security plugin knows an administrator by the subject, so that another certificate of the same subject is the same identity.
    const isSame = services !== undefined && (own.subject === services.subject || sameKey(own, services))
    const message =
      "is the service identity's too: every caller would be the super admin; use a certificate of its own, whose subject is not in plugins.security.authcz.admin_dn"
    return isSame ? [{ path, message }] : []
  })
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function sameKey(one: X509Certificate, other: X509Certificate): boolean {
  return one.publicKey.equals(other.publicKey)
}
