import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openLocalIssuer } from '../../src/auth/local-issuer.ts'
import { checkConfig } from '../../src/check-config.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { diagnose } from '../../src/core/doctor/diagnose.ts'
import type { Finding } from '../../src/core/doctor/finding.ts'
import { doctorSettings, inspectDeployment } from '../../src/doctor/inspect.ts'

/** A configuration that a doctor looks at, and the folder of its files. */
export interface DoctorWorld {
  /** The path of a configuration that nothing is wrong with by itself. */
  readonly folder: string
  findings(config: ConfigInput): Promise<readonly Finding[]>
  close(): Promise<void>
}

export async function doctorWorld(): Promise<DoctorWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-doctor-'))
  await openLocalIssuer(folder, { issuer: 'https://issuer.test', create: true })
  return {
    folder,
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
  const changed = structuredClone(config) as unknown as Record<string, unknown>
  for (const [path, value] of Object.entries(settings)) {
    const steps = path.split(/[.[\]]+/).filter((step) => step !== '')
    const last = steps.pop() ?? ''
    const parent = steps.reduce<Record<string, unknown>>((inside, step) => {
      inside[step] ??= {}
      return inside[step] as Record<string, unknown>
    }, changed)
    parent[last] = value
  }
  return changed as unknown as ConfigInput
}
