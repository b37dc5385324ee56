import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { configJsonSchema } from '../../../src/config/json-schema.ts'
import { loadConfig, parseConfig } from '../../../src/config/load.ts'
import { FILE_SETTINGS } from '../../../src/config/file-settings.ts'
import { ConfigError } from '../../../src/config/problem.ts'
import type { ConfigFile } from '../../../src/config/schema.ts'
import { memberOf, TOP } from '../../../src/config/walk.ts'
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

/** Every setting of the JSON Schema, as in `auth.issuers[].secret`. */
function settingsOf(node: unknown, place = TOP): readonly string[] {
  if (typeof node !== 'object' || node === null) return []
  const { properties, items, additionalProperties, anyOf, oneOf } = node as Readonly<Record<string, unknown>>
  return [
    ...Object.entries(properties ?? {}).flatMap(([name, inner]) => settingsOf(inner, memberOf(place, name))),
    ...(items === undefined ? [] : settingsOf(items, memberOf(place, 0))),
    ...(place.setting === 'clusters' ? settingsOf(additionalProperties, memberOf(place, '*')) : []),
    ...[anyOf, oneOf].flat().flatMap((inner) => settingsOf(inner, place)),
    ...(place.setting === '' ? [] : [place.setting]),
  ]
}

test('no setting that is about a file or a secret is forgotten', () => {
  const named = settingsOf(configJsonSchema()).filter((setting) =>
    /\.(?:ca|cert|key|file|diskPath|password|token|secret|subjectKey|keys\[\])$/.test(setting),
  )
  expect([...new Set(named)].sort()).toEqual(Object.keys(FILE_SETTINGS).sort())
})

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

  test('takes numbers, true and false from environment variables too, where they are wanted', () => {
    const config = load(
      `
listen: { port: "\${PORT}" }
auth: { issuers: [${ISSUER}] }
clusters: { main: { nodes: [http://127.0.0.1:9200], service: { kind: basic, username: u, password: "\${NUMBER}" }, passThrough: { allowTenantHeader: "\${YES}" } } }
legacy: { missing: "\${MISSING}" }
limits: { deadline: "\${SECONDS}s", inFlight: "\${NUMBER}" }
guard: { mode: "\${MODE}" }
`,
      { PORT: '9999', NUMBER: '12345', YES: 'true', MISSING: '200', SECONDS: '7', MODE: 'observe' },
    )
    expect(config.listen.port).toBe(9999)
    expect(config.clusters['main']).toMatchObject({
      service: { password: '12345' },
      passThrough: { allowTenantHeader: true },
    })
    expect(config.legacy.missing).toBe(200)
    expect(config.limits).toMatchObject({ deadline: 7_000, inFlight: 12_345 })
    expect(config.guard.mode).toBe('observe')
  })

  test('a variable that holds no number is told by its name, not by its value', () => {
    const problems = problemsOf(
      `{ listen: { port: "\${PORT}" }, auth: { issuers: [${ISSUER}] }, clusters: { main: ${CLUSTER} } }`,
      { PORT: 'hunter2' },
    )
    expect(problems).toEqual(['listen.port: must be a number (is "${PORT}")'])
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
    expect(problems).toContain('listen.port: must be a port, 0 to 65535; 0 takes a free one (is 99999)')
    expect(problems).toContain('memory.ownership.unowned: must be one of deny, allow (is "maybe")')
    expect(problems.find((problem) => problem.startsWith('clusters.main.nodes[1]'))).toContain('(is "https://***@os1")')
  })

  test('and those of its files and variables with them; a secret in no case', () => {
    writeFileSync(join(folder, 'short'), 'hunter2')
    const problems = problemsOf(`
listen: { prot: 1 }
ops: { token: file:short }
auth: { issuers: [{ issuer: "\${NOPE}", audience: x, jwks: { file: k }, secret: [hunter2] }] }
clusters:
  main: { nodes: ["https://os1"], tls: { ca: no.pem }, service: { kind: basic, username: u, password: 12345 } }
sharedState: { password: file:nowhere }
`)
    expect(problems).toEqual([
      'auth.issuers[0].issuer: the environment variable NOPE is not set; set it, or write the value here',
      expect.stringContaining('clusters.main.tls.ca: the file'),
      expect.stringContaining('sharedState.password: the file'),
      'listen.prot: is not a setting; correct its spelling or remove it',
      'ops.token: must be 16 or more visible ASCII characters, without spaces',
      'auth.issuers[0].secret: must be a string',
      'clusters.main.service.password: must be a string',
    ])
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
    expect(problemsOf('')).toEqual([
      'auth: is missing; it must be an object',
      'clusters: is missing; it must be a record',
    ])
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
