import type { JsonWebKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from '@jest/globals'

import { openLocalIssuer } from '../../src/auth/local-issuer.ts'
import { checkConfig } from '../../src/check-config.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { diagnose } from '../../src/core/doctor/diagnose.ts'
import type { Finding, FindingId } from '../../src/core/doctor/finding.ts'
import { doctorSettings, inspectDeployment } from '../../src/doctor/inspect.ts'
import { keySetOf } from './cluster-tokens.ts'
import type { ClusterKind, DoctorGround } from './doctor-ground.ts'

/** A configuration that a doctor looks at, and the folder of its files. */
export interface DoctorWorld {
  /** The path of a configuration that nothing is wrong with by itself. */
  readonly folder: string
  /** What its issuer signs with, whose keys are in `jwks.json`. */
  readonly algorithm: 'ES256' | 'RS256'
  findings(config: ConfigInput): Promise<readonly Finding[]>
  close(): Promise<void>
}

/** @param clusterKey of an issuer that a cluster reads tokens of, RSA; by default one that no cluster knows */
export async function doctorWorld(clusterKey?: JsonWebKey): Promise<DoctorWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-doctor-'))
  if (clusterKey === undefined) await openLocalIssuer(folder, { issuer: 'https://issuer.test', create: true })
  else await writeFile(join(folder, 'jwks.json'), JSON.stringify(keySetOf(clusterKey)))
  return {
    folder,
    algorithm: clusterKey === undefined ? 'ES256' : 'RS256',
    async findings(input) {
      // JSON is YAML: the test's configuration goes the way of an operator's.
      const config = parseConfig(JSON.stringify(input), join(folder, 'gateway.yaml'), { env: {}, check: checkConfig })
      return diagnose(await inspectDeployment(config, () => undefined), doctorSettings(config))
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Writes settings into a configuration by their paths, as in `auth.issuers[0].claims.subject`: what a remedy says, to the letter. */
export function withSettings(config: ConfigInput, settings: Readonly<Record<string, unknown>>): ConfigInput {
  const changed: Record<string, unknown> = structuredClone({ ...config })
  for (const [path, value] of Object.entries(settings)) {
    const steps = path.split(/[.[\]]+/).filter((step) => step !== '')
    const last = steps.pop() ?? ''
    const parent = steps.reduce<Record<string, unknown>>((inside, step) => {
      inside[step] ??= {}
      return inside[step] as Record<string, unknown>
    }, changed)
    parent[last] = value
  }
  return changed as ConfigInput & Record<string, unknown>
}

/** How a finding was provoked, and what following its remedy changes beside what the remedy says to the letter. */
export interface Provoked {
  readonly config: ConfigInput
  /** Does what the remedy says, where that is no setting and no request. @returns the configuration then */
  readonly follow?: (remedy: Finding['remedy']) => Promise<ConfigInput | undefined> | ConfigInput | undefined
}

/** Run on a cluster of each kind. */
export interface Case {
  readonly id: FindingId
  readonly severity: Finding['severity']
  readonly when: string
  /** The only kind of cluster that can have it. */
  readonly only?: ClusterKind
  /** It takes a cluster of the other kind too. */
  readonly needsBoth?: true
  readonly provoke: (ground: DoctorGround) => Promise<Provoked> | Provoked
}

export type ClusterInput = ConfigInput['clusters'][string]
export type IssuerInput = ConfigInput['auth']['issuers'][number]

/** A configuration that nothing is wrong with by itself, and what a case changes of it. */
export function doctorConfig(cluster: ClusterInput, issuer: Partial<IssuerInput>, containerIndex: string): ConfigInput {
  const own = { issuer: 'https://issuer.test', audience: 'memory-gateway', algorithms: ['ES256' as const] }
  const jwks = issuer.discovery === undefined ? { jwks: { file: 'jwks.json' } } : {}
  return {
    auth: { issuers: [{ ...own, ...jwks, ...issuer }] },
    clusters: { main: cluster },
    memory: { containerIndex },
  }
}

/** Provokes a finding, sees that it is the only one, follows its remedy to the letter, and sees nothing any more. */
export async function expectRemedied(ground: DoctorGround, { id, severity, provoke }: Case): Promise<void> {
  const { world, ask } = ground
  const { config, follow } = await provoke(ground)
  const found = await world.findings(config)
  expect(found.map((finding) => [finding.id, finding.severity])).toEqual([[id, severity]])
  const [{ seen, means, remedy }] = found as [Finding]
  expect([seen, means, remedy.text].every((text) => text.length > 10)).toBe(true)

  const statuses: number[] = []
  for (const { method, path, body } of remedy.requests ?? []) statuses.push((await ask(method, path, body)).status)
  expect(statuses.filter((status) => status > 201)).toEqual([])
  const changed = (await follow?.(remedy)) ?? config
  expect(await world.findings(withSettings(changed, remedy.settings ?? {}))).toEqual([])
}
