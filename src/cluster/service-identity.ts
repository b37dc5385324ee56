import { openTokenFile } from './token-file.ts'

/** As whom the gateway itself speaks to the cluster. */
export type ServiceIdentity =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** `file:` and an absolute path: read anew when it changes. */
  | { readonly kind: 'bearer'; readonly token: string }
  /** PEM. The pair belongs to this identity's connections alone. */
  | { readonly kind: 'clientCertificate'; readonly cert: string; readonly key: string }

/** Makes what a request of this identity's says in `Authorization`, if anything. */
export function authorizationOf(service: ServiceIdentity): () => string | undefined {
  switch (service.kind) {
    case 'basic': {
      const pair = `Basic ${Buffer.from(`${service.username}:${service.password}`).toString('base64')}`
      return () => pair
    }
    case 'bearer': {
      const isFile = service.token.startsWith('file:')
      const token = isFile ? openTokenFile(service.token.slice('file:'.length)) : () => service.token
      return () => `Bearer ${token()}`
    }
    case 'none':
    case 'clientCertificate':
      return () => undefined
  }
}

/** What its connections show of themselves. */
export function certificateOf(service: ServiceIdentity): { cert?: string; key?: string } {
  return service.kind === 'clientCertificate' ? { cert: service.cert, key: service.key } : {}
}
