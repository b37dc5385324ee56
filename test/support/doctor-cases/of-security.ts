import { randomBytes } from 'node:crypto'

import { expect } from '@jest/globals'

import type { Finding, FindingId } from '../../../src/core/doctor/finding.ts'
import { call } from '../call.ts'
import { ALICES } from '../doctor-ground.ts'
import type { DoctorGround } from '../doctor-ground.ts'
import type { Case, Provoked } from '../doctor-world.ts'
import { startTestGateway } from '../gateway.ts'

const on = (id: FindingId, severity: Finding['severity'], when: string, provoke: Case['provoke']): Case => ({
  id,
  severity,
  when,
  only: 'secured',
  provoke,
})

const CLAIMS = { backendRoles: 'roles' }

/** What only the security plugin can bring about. */
export const CASES_OF_SECURITY: readonly Case[] = [
  on('service-refused', 'error', 'the cluster asks for credentials and gets none', ({ withContainers }) => ({
    config: withContainers({ service: { kind: 'none' } }),
    follow: () => withContainers(),
  })),
  on('service-refused', 'error', 'the password is wrong', ({ config, service }) => ({
    config: config({ cluster: { service: { ...service, password: 'wrong' } as typeof service } }),
    follow: () => config({ cluster: { service } }),
  })),
  on('indices-masked', 'error', 'the service identity is a user with all_access', ({ withContainers, service }) => ({
    config: withContainers({ service }),
    follow: () => withContainers(),
  })),
  on('rights-missing', 'error', 'the service identity has no role, and the indices are no system indices', withoutRole),
  on(
    'rights-missing',
    'error',
    'the service identity may not delete in a system index that is empty',
    emptySystemIndex,
  ),
  on('subject-key-differs', 'error', 'the gateway takes the subject from another claim', ({ config }) => ({
    config: config({ issuer: { claims: { ...CLAIMS, subject: 'email' } } }),
  })),
  on('roles-key-differs', 'warning', 'the gateway takes backend roles from another claim', ({ config }) => ({
    config: config({ issuer: { claims: {} } }),
  })),
]

async function emptySystemIndex(ground: DoctorGround): Promise<Provoked> {
  const { ask, config, service } = ground
  const containerIndex = `${ground.containerIndex}-empty`
  await ground.putMemory(containerIndex, 'gone')
  await ask('DELETE', `/${containerIndex}/_doc/gone?refresh=true`)
  return { config: config({ cluster: { service }, containerIndex }), follow: () => config({ containerIndex }) }
}

async function withoutRole(ground: DoctorGround): Promise<Provoked> {
  const { ask, config, later, prefix } = ground
  const username = `doctor-${prefix}`
  // Nothing like the user's name, which the plugin would not take.
  const password = `Aa1!${randomBytes(12).toString('base64url')}`
  const security = '/_plugins/_security/api'
  expect(await ask('PUT', `${security}/internalusers/${username}`, { password })).toMatchObject({ status: 201 })
  for (const made of [`internalusers/${username}`, 'rolesmapping/memory-gateway', 'roles/memory-gateway']) {
    later(() => ask('DELETE', `${security}/${made}`))
  }
  const containerIndex = `${prefix}-containers`
  await ground.putContainer('c', { ...ALICES, configuration: { use_system_index: false } }, containerIndex)
  await ground.putMemory(`${prefix}-memory-working`, 'one')
  const service = { kind: 'basic', username, password } as const
  const provoked = config({ cluster: { service }, containerIndex })
  return {
    config: provoked,
    // And the gateway can do its work then.
    async follow() {
      const { main } = provoked.clusters
      if (main === undefined) throw new Error('it has one')
      const gateway = await startTestGateway({ cluster: main, memory: { containerIndex } })
      later(() => gateway.close())
      const path = '/_plugins/_ml/memory_containers/c/memories/working/one'
      const { status } = await call(gateway.url, { method: 'DELETE', path, token: await gateway.token() })
      expect(status).toBe(200)
      return undefined
    },
  }
}
