import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { JsonWebKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { SecuredCluster } from './clusters.ts'
import { TEST_AUDIENCE } from './gateway.ts'
import type { GatewayOverrides } from './gateway.ts'
import { base64url, signBytes } from './token-builder.ts'

/** An issuer that the secured cluster and a gateway both trust, as in a deployment with one identity provider. */
export interface ClusterTokens {
  /** For the gateway's configuration. */
  readonly issuer: NonNullable<GatewayOverrides['moreIssuers']>[number]
  /** `roles` are the user's backend roles at the cluster. */
  token(claims: { subject: string; roles?: readonly string[]; scopes?: readonly string[]; ttlSeconds?: number }): string
  close(): Promise<void>
}

const ISSUER = 'https://cluster-issuer.test'
const KEY_ID = 'cluster'

/** What an issuer publishes that signs with this key. */
export function keySetOf(privateKey: JsonWebKey): { readonly keys: readonly JsonWebKey[] } {
  const published = createPublicKey({ key: privateKey, format: 'jwk' }).export({ format: 'jwk' })
  return { keys: [{ ...published, kid: KEY_ID, use: 'sig' }] }
}

export async function clusterTokens({ jwtPrivateKey }: Pick<SecuredCluster, 'jwtPrivateKey'>): Promise<ClusterTokens> {
  const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-test-'))
  const file = join(folder, 'jwks.json')
  const privateKey = createPrivateKey({ key: jwtPrivateKey, format: 'jwk' })
  await writeFile(file, JSON.stringify(keySetOf(jwtPrivateKey)))
  return {
    issuer: {
      issuer: ISSUER,
      audience: TEST_AUDIENCE,
      algorithms: ['RS256'],
      jwks: { file },
      namePrefix: 'cluster:',
    },
    token({ subject, roles = [], scopes = [], ttlSeconds = 600 }) {
      const now = Math.floor(Date.now() / 1000)
      const header = { alg: 'RS256', kid: KEY_ID, typ: 'JWT' }
      const payload = {
        iss: ISSUER,
        aud: TEST_AUDIENCE,
        sub: subject,
        roles,
        scope: scopes.join(' '),
        iat: now,
        exp: now + ttlSeconds,
      }
      const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`
      return `${input}.${base64url(signBytes('RS256', privateKey, input))}`
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}
