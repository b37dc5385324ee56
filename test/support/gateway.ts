import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openLocalIssuer } from '../../src/auth/local-issuer.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { createLog } from '../../src/ops/log.ts'
import { checkConfig } from '../../src/check-config.ts'
import { startGateway } from '../../src/server.ts'
import { askOps, collect } from './collected.ts'
import { collectAnswersOf } from './collected-answers.ts'
import { collectFiles } from './collected-files.ts'
import { collectTraces } from './collected-traces.ts'
import { plantSecretsOf } from './plant-secrets.ts'

export const TEST_ISSUER = 'https://issuer.test'
export const TEST_AUDIENCE = 'memory-gateway'

interface Claims {
  readonly subject?: string
  readonly scopes?: readonly string[]
  readonly ttlMs?: number
  /** Any other claims, as in `{ backend_roles: ['eng'] }`. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A gateway as users run it, in this process, on ports of its own, with an issuer whose tokens the test can sign. */
export interface TestGateway {
  readonly url: string
  readonly opsUrl: string
  /** By default alice with `memory:delete`. */
  token(claims?: Claims): Promise<string>
  /** Every line that it logged, as JSON text. */
  readonly logLines: readonly string[]
  close(): Promise<void>
}

export type GatewayOverrides = Partial<Omit<ConfigInput, 'clusters'>> & {
  /** Laid over a cluster without security at `nodes`. */
  readonly cluster: Partial<ConfigInput['clusters'][string]> & { readonly nodes: string[] }
  /** Clusters beside that one, which is called main. */
  readonly moreClusters?: ConfigInput['clusters']
  /** Issuers beside the test's own. */
  readonly moreIssuers?: ConfigInput['auth']['issuers']
  /** Where the test makes spans of its own. */
  readonly spans?: 'none'
}

/** Starts a gateway: a test names only what differs from the defaults. */
export async function startTestGateway({
  cluster,
  moreIssuers = [],
  moreClusters = {},
  spans,
  ...overrides
}: GatewayOverrides): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-test-'))
  const issuer = await openLocalIssuer(folder, { issuer: TEST_ISSUER, create: true })
  const own = {
    issuer: TEST_ISSUER,
    audience: TEST_AUDIENCE,
    algorithms: ['ES256' as const],
    jwks: { file: 'jwks.json' },
  }
  const input: ConfigInput = {
    listen: { port: 0 },
    ops: { port: 0 },
    auth: { issuers: [own, ...moreIssuers] },
    ...overrides,
    clusters: { main: { service: { kind: 'none' }, ...cluster }, ...moreClusters },
  }
  // JSON is YAML: the test's configuration goes the way of an operator's.
  const config = parseConfig(JSON.stringify(input), join(folder, 'gateway.yaml'), { env: {}, check: checkConfig })
  plantSecretsOf(config)
  const logLines: string[] = []
  const write = (line: string): void => {
    logLines.push(line)
    collect('log', line)
  }
  await collectFiles()
  if (spans === undefined) await collectTraces()
  const gateway = await startGateway(config, createLog('debug', { write }))
  const stopCollecting = collectAnswersOf(gateway)
  return {
    url: gateway.url,
    opsUrl: gateway.opsUrl,
    logLines,
    token: ({ subject = 'alice', scopes = ['memory:delete'], ttlMs = 600_000, extra = {} } = {}) =>
      issuer.sign({ subject, scopes, audience: TEST_AUDIENCE, ttlMs, extraClaims: extra }),
    async close() {
      await askOps(gateway.opsUrl, config.ops.token)
      await gateway.close()
      stopCollecting()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
