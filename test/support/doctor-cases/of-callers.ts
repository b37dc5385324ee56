import { expect } from '@jest/globals'

import { call } from '../call.ts'
import { clusterTokens } from '../cluster-tokens.ts'
import { securedCluster } from '../clusters.ts'
import type { SecuredCluster } from '../clusters.ts'
import { authorityOf } from '../doctor-ground.ts'
import type { DoctorGround } from '../doctor-ground.ts'
import { doctorWorld } from '../doctor-world.ts'
import type { Case, Provoked } from '../doctor-world.ts'
import { startFaultProxy } from '../fault-proxy.ts'
import { startTestGateway } from '../gateway.ts'
import { startTcpFront } from '../tls-front.ts'

function secured(): SecuredCluster {
  const cluster = securedCluster()
  if (cluster === undefined) throw new Error('the case is for it only')
  return cluster
}

/** The gateway believes two issuers, and the cluster one of them. */
async function otherKeys({ config, later }: DoctorGround): Promise<Provoked> {
  const { main } = config().clusters
  if (main === undefined) throw new Error('it has one')
  const tokens = await clusterTokens(secured())
  later(() => tokens.close())
  const gateway = await startTestGateway({ cluster: main, moreIssuers: [tokens.issuer] })
  later(() => gateway.close())
  const scopes = ['opensearch:admin']
  const path = '/_plugins/_security/authinfo'
  const own = await gateway.token({ scopes })
  expect((await call(gateway.url, { path, token: own })).status).toBe(401)
  const other = await doctorWorld()
  later(() => other.close())
  return {
    config: config({ issuer: { jwks: { file: `${other.folder}/jwks.json` }, algorithms: [other.algorithm] } }),
    async follow() {
      const token = tokens.token({ subject: 'carol', scopes })
      expect((await call(gateway.url, { path, token })).body).toMatchObject({ user_name: 'carol' })
      return config()
    },
  }
}

/** The cluster believes 127.0.0.1 alone. */
async function otherAddress({ url, config, service, later }: DoctorGround): Promise<Provoked> {
  const elsewhere = await startTcpFront(url, '127.0.0.1', 0, '127.0.0.2')
  later(() => elsewhere.close())
  const { clientCert: cert, clientKey: key } = secured().access
  const from = (node: string) =>
    config({ cluster: { nodes: [node], service, passThrough: { identity: 'proxyHeaders', cert, key } } })
  return {
    config: from(elsewhere.url),
    follow({ text }) {
      expect(text).toContain("internalProxies match the gateway's address 127.0.0.2")
      return from(url)
    },
  }
}

/** Really of another order: doctor-own-security.test.ts. */
async function tokensAt(order: number, ground: DoctorGround, remedy: string): Promise<Provoked> {
  const { url, config, service, later } = ground
  const proxy = await startFaultProxy(url, Buffer.from(authorityOf(ground) ?? ''))
  later(() => proxy.close())
  proxy.on(
    ({ target }) => target === '/_plugins/_security/api/securityconfig',
    async ({ ask, answer }) => {
      const said = JSON.parse((await ask()).body.toString()) as {
        config: { dynamic: { authc: Record<'jwt_auth_domain', { order: number }> } }
      }
      said.config.dynamic.authc.jwt_auth_domain.order = order
      const rawHeaders = ['content-type', 'application/json; charset=UTF-8']
      await answer({ status: 200, rawHeaders, body: Buffer.from(JSON.stringify(said)) })
    },
  )
  return {
    config: config({ cluster: { nodes: [proxy.url], service } }),
    follow({ text }) {
      expect(text).toContain(remedy)
      proxy.reset()
      return undefined
    },
  }
}

/** A secured cluster that reads no tokens is another cluster: see the table. */
export const CASES_OF_CALLERS: readonly Case[] = [
  {
    id: 'signing-keys-differ',
    severity: 'error',
    when: 'callers go on with their own tokens, and the cluster has the keys of another issuer',
    only: 'secured',
    provoke: otherKeys,
  },
  {
    id: 'proxy-headers-ignored',
    severity: 'error',
    when: 'the gateway says who is calling, from an address that the cluster does not believe',
    only: 'secured',
    provoke: otherAddress,
  },
  {
    id: 'tokens-challenged',
    severity: 'error',
    when: 'the domain that reads tokens comes after one that asks for a password',
    only: 'secured',
    provoke: (ground) => tokensAt(3, ground, 'give config.dynamic.authc.jwt_auth_domain a lower order than basic has'),
  },
  {
    id: 'domains-share-an-order',
    severity: 'error',
    when: 'the domain that reads tokens has the order of another',
    only: 'secured',
    provoke: (ground) => tokensAt(2, ground, 'config.dynamic.authc.jwt_auth_domain.order'),
  },
  {
    id: 'callers-unknown',
    severity: 'warning',
    when: 'callers go on with their own tokens, and the cluster looks at none',
    only: 'plain',
    provoke: ({ config, later }) => ({
      config: config({ cluster: { passThrough: { identity: 'caller' } } }),
      // Requests still come through.
      async follow({ settings }) {
        expect(settings).toEqual({ 'clusters.main.passThrough.identity': 'service' })
        const { main } = config().clusters
        if (main === undefined) throw new Error('it has one')
        const gateway = await startTestGateway({ cluster: main })
        later(() => gateway.close())
        const token = await gateway.token({ scopes: ['opensearch:read'] })
        expect(await call(gateway.url, { path: '/', token })).toMatchObject({ status: 200 })
        return undefined
      },
    }),
  },
]
