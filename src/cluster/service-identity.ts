/** As whom the gateway itself speaks to the cluster. */
export type ServiceIdentity =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  /** PEM. The pair belongs to this identity's connections alone. */
  | { readonly kind: 'clientCertificate'; readonly cert: string; readonly key: string }

/** Headers of every request of this identity's. */
export function credentials(service: ServiceIdentity): Record<string, string> {
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

/** What its connections show of themselves. */
export function certificate(service: ServiceIdentity): { cert?: string; key?: string } {
  return service.kind === 'clientCertificate' ? { cert: service.cert, key: service.key } : {}
}
