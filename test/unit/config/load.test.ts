import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { ConfigError, loadConfig, parseConfig } from '../../../src/config/load.ts'
import type { ConfigFile } from '../../../src/config/schema.ts'
import { checkConfig } from '../../../src/check-config.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-gateway-config-'))
  writeFileSync(join(folder, 'password'), 'from a file\n')
  writeFileSync(join(folder, 'ca.pem'), 'the authorities')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ISSUER = '{ issuer: https://idp.test, audience: gateway, jwks: { file: jwks.json } }'
const CLUSTER = '{ nodes: [http://127.0.0.1:9200], service: { kind: none } }'

function load(text: string, env: Readonly<Record<string, string>> = {}): ConfigFile {
  return parseConfig(text, join(folder, 'gateway.yaml'), { env, check: checkConfig })
}

function problemsOf(text: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    load(text, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  throw new Error('the configuration was taken')
}

describe('a configuration', () => {
  test('needs issuers and a cluster only', () => {
    const config = load(`{ auth: { issuers: [${ISSUER}] }, clusters: { main: ${CLUSTER} } }`)
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080, trustedProxies: [] })
    expect(config.limits.deadline).toBe(10_000)
    expect(config.auth.issuers[0]).toMatchObject({ audience: ['gateway'], jwks: { file: join(folder, 'jwks.json') } })
  })

  test('takes environment variables, and secrets and PEM texts from files beside it', () => {
    const config = load(
      `
auth: { issuers: [${ISSUER.replace('gateway', '"gate-\${STAGE}"')}] }
clusters:
  main:
    nodes: ["https://\${HOST}:9200"]
    tls: { ca: ca.pem }
    service: { kind: basic, username: gateway, password: file:password }
`,
      { STAGE: 'test', HOST: 'os1' },
    )
    expect(config.auth.issuers[0]?.audience).toEqual(['gate-test'])
    expect(config.clusters['main']).toMatchObject({
      nodes: ['https://os1:9200'],
      tls: { ca: 'the authorities' },
      service: { kind: 'basic', username: 'gateway', password: 'from a file' },
    })
  })

  test('has all its problems told at once, each with its path', () => {
    const problems = problemsOf(`
listen: { port: 99999, prot: 1, trustedProxies: [10.0.0.0/8, 10.0.0.0/33, inside] }
auth:
  issuers:
    - { issuer: a, audience: x, jwks: { file: a }, discovery: true }
    - { issuer: b, audience: x, algorithms: [none], jwks: { file: b }, clockTolerance: 5 }
clusters:
  main: { nodes: ["os1:9200", "https://user:secret-word@os1"], service: { kind: magic } }
memory: { ownership: { unowned: maybe } }
legacy: { container: "\${NOPE}", cors: { origins: ["https://app.test/path"] } }
`)
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'legacy.container',
      'listen.port',
      'listen.trustedProxies[1]',
      'listen.trustedProxies[2]',
      'listen.prot',
      'auth.issuers[0]',
      'auth.issuers[1].algorithms[0]',
      'auth.issuers[1].clockTolerance',
      'clusters.main.nodes[0]',
      'clusters.main.nodes[1]',
      'clusters.main.service.kind',
      'memory.ownership.unowned',
      'legacy.cors.origins[0]',
    ])
    expect(problems.join('\n')).not.toContain('secret-word')
  })

  const rows: readonly (readonly [string, string, string])[] = [
    ['two issuers without a prefix', `[${ISSUER}, ${ISSUER.replace('idp', 'other')}]`, 'auth.issuers[1].namePrefix'],
    [
      'one issuer twice',
      `[${ISSUER}, { issuer: https://idp.test, audience: x, jwks: { file: k }, namePrefix: b- }]`,
      'auth.issuers[1].issuer',
    ],
    [
      'keys over plain http',
      '[{ issuer: a, audience: x, jwks: { uri: "http://idp.test/k" } }]',
      'auth.issuers[0].jwks.uri',
    ],
    ['a short secret', '[{ issuer: a, audience: x, algorithms: [HS256], secret: c2hvcnQ }]', 'auth.issuers[0].secret'],
    [
      'HMAC beside asymmetric keys',
      '[{ issuer: a, audience: x, algorithms: [HS256, ES256], jwks: { file: k } }]',
      'auth.issuers[0].algorithms',
    ],
    [
      'a key set that is refreshed all the time',
      '[{ issuer: a, audience: x, jwks: { file: k }, keySet: { maxAge: 1m, refreshBefore: 50s, cooldown: 10s } }]',
      'auth.issuers[0].keySet.maxAge',
    ],
  ]
  test.each(rows)('does not start with %s', (_, issuers, path) => {
    const problems = problemsOf(`{ auth: { issuers: ${issuers} }, clusters: { main: ${CLUSTER} } }`)
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(': ')))).toContain(path)
    expect(problems.join('\n')).not.toContain('c2hvcnQ')
  })

  test('that is not YAML, or not there, is said to be so', () => {
    expect(problemsOf('listen: { port: 1')).toEqual([
      expect.stringMatching(/^: is not valid YAML: .* at line 1, column/),
    ])
    expect(problemsOf('listen: {}\nlisten: {}')).toEqual([expect.stringContaining('Map keys must be unique')])
    expect(problemsOf('')).toEqual(['auth: must be an object', 'clusters: must be a record'])
    expect(() => loadConfig(join(folder, 'nowhere.yaml'), { env: {}, check: () => [] })).toThrow(
      /cannot be read \(ENOENT\)/,
    )
  })

  test('does not print what it takes for an alias: it may be a password', () => {
    const problems = problemsOf(
      `{ auth: { issuers: [${ISSUER}] }, clusters: { main: { nodes: ["https://os1"], service: { kind: basic, username: u, password: *hunter2 } } } }`,
    )
    expect(problems).toEqual([': holds an alias (*name) that has no anchor; put texts that begin with * in quotes'])
  })

  test('whose files are missing names them, and their settings', () => {
    const service = '{ kind: clientCertificate, cert: no.pem, key: no-key.pem }'
    const problems = problemsOf(
      `{ auth: { issuers: [${ISSUER}] }, clusters: { main: { nodes: ["https://os1"], tls: { ca: no-ca.pem }, service: ${service} } } }`,
    )
    expect(problems).toEqual([
      expect.stringContaining(`clusters.main.tls.ca: the file ${join(folder, 'no-ca.pem')} cannot be read (ENOENT)`),
      expect.stringContaining(`clusters.main.service.cert: the file ${join(folder, 'no.pem')} cannot be read (ENOENT)`),
      expect.stringContaining(
        `clusters.main.service.key: the file ${join(folder, 'no-key.pem')} cannot be read (ENOENT)`,
      ),
    ])
  })
})
