import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { exportJWK, generateKeyPair, SignJWT } from 'jose'

import { createAuthenticator } from '../../src/auth/verify.ts'
import type { Authenticator } from '../../src/auth/verify.ts'
import { isWarmUp, turnOf } from '../measurements.ts'
import type { Measurement, Suite } from '../measurements.ts'
import { OPTIONS } from '../options.ts'
import { writeReport } from '../report.ts'

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const
const TOKENS = 500
const ISSUER = 'https://bench.local'

const SUITE: Suite = {
  name: 'tokens',
  title: 'Verification of a token in the process: the first time, and remembered',
  contenders: ['cold', 'remembered'],
  figures: [{ name: 'CPU', unit: 'us a token', digits: 2, hasRatio: false }],
}

export async function benchTokens(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-bench-'))
  const measurements: Measurement[] = []
  try {
    const worlds = await Promise.all(
      ALGORITHMS.map(async (algorithm) => ({ algorithm, ...(await makeTokens(algorithm, folder)) })),
    )
    for (let round = 0; round <= OPTIONS.rounds; round++) {
      for (const { algorithm, tokens, keys } of turnOf(worlds, round)) {
        const authenticator = openAuthenticator(algorithm, keys)
        await authenticator.start()
        const cold = await timeOf(authenticator, tokens, 1)
        const remembered = await timeOf(authenticator, tokens, 40)
        authenticator.close()
        if (isWarmUp(round)) continue
        for (const [contender, CPU] of [
          ['cold', cold],
          ['remembered', remembered],
        ] as const) {
          measurements.push({ suite: SUITE.name, case: algorithm, contender, round, figures: { CPU } })
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(writeReport(SUITE, measurements))
}

/** CPU of this process for each token, all its threads: signatures are verified on others. */
async function timeOf(authenticator: Authenticator, tokens: readonly string[], times: number): Promise<number> {
  const before = process.cpuUsage()
  for (let time = 0; time < times; time++) {
    for (const token of tokens) await authenticator.authenticate([`Bearer ${token}`])
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (tokens.length * times)
}

async function makeTokens(algorithm: string, folder: string): Promise<{ tokens: readonly string[]; keys: string }> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm)
  const keys = join(folder, `${algorithm}.json`)
  writeFileSync(
    keys,
    JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: algorithm, kid: 'k', use: 'sig' }] }),
  )
  const sign = (_: unknown, serial: number): Promise<string> =>
    new SignJWT({ scope: 'memory:delete', jti: String(serial) })
      .setProtectedHeader({ alg: algorithm, kid: 'k', typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience('bench')
      .setSubject('alice')
      .setIssuedAt()
      .setExpirationTime('4h')
      .sign(privateKey)
  return { tokens: await Promise.all(Array.from({ length: TOKENS }, sign)), keys }
}

function openAuthenticator(algorithm: string, path: string): Authenticator {
  return createAuthenticator({
    rememberedTokens: 10_000,
    issuers: [
      {
        issuer: ISSUER,
        audience: ['bench'],
        algorithms: [algorithm],
        keys: { kind: 'file', path },
        clockToleranceMs: 5_000,
        requiredClaims: [],
        types: ['JWT'],
        claims: {
          subject: 'sub',
          scopes: 'scope',
          roles: 'roles',
          backendRoles: 'backend_roles',
          container: 'memory_container',
          containers: 'containers',
        },
        keptClaims: [],
        namePrefix: '',
        cache: {
          maxAgeMs: 3_600_000,
          refreshBeforeMs: 600_000,
          cooldownMs: 30_000,
          staleForMs: 3_600_000,
          fetchTimeoutMs: 5_000,
          maxBytes: 262_144,
          maxKeys: 100,
        },
      },
    ],
  })
}
