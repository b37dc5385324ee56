import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { hideSecrets } from '../../../src/config/hide-secrets.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { needRestart } from '../../../src/config/need-restart.ts'
import type { ConfigFile } from '../../../src/config/schema.ts'

function load(text: string): ConfigFile {
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-hide-'))
  try {
    for (const name of ['ca.pem', 'cert.pem', 'key.pem', 'token', 'password']) {
      writeFileSync(join(folder, name), `canary-of-${name}`)
    }
    return parseConfig(text, join(folder, 'gateway.yaml'), {
      env: { SECRET: 'canary-of-the-environment' },
      check: () => [],
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const ISSUER = '{ issuer: i, audience: a, jwks: { file: k } }'
const CLUSTER = '{ nodes: ["http://os:9200"], service: { kind: none } }'

test('secrets, keys and certificates are hidden, all else can be read', () => {
  const shown = hideSecrets(
    load(`
ops: { token: "\${SECRET}" }
auth:
  issuers:
    - { issuer: one, audience: a, secret: canary-in-the-file, algorithms: [HS256] }
    - { issuer: two, audience: a, jwks: { uri: "https://user:canary-in-a-uri@idp.test/k" }, keySet: { ca: ca.pem } }
clusters:
  a: { nodes: ["https://os:9200"], tls: { ca: ca.pem }, service: { kind: clientCertificate, cert: cert.pem, key: key.pem } }
  b: { nodes: ["https://os:9200"], service: { kind: basic, username: gateway, password: file:password } }
  c: { nodes: ["https://os:9200"], service: { kind: bearer, token: canary-in-the-file } }
  d: { nodes: ["https://os:9200"], service: { kind: bearer, token: file:token } }
routes: [{ cluster: a }]
sharedState: { url: "rediss://redis", password: file:password, tls: { ca: ca.pem, cert: cert.pem, key: key.pem } }
`),
  )
  expect(JSON.stringify(shown)).not.toContain('canary')
  expect(shown).toMatchObject({
    ops: { token: '(hidden)', port: 9090 },
    clusters: {
      b: { service: { username: 'gateway', password: '(hidden)' } },
      d: { service: { token: expect.stringMatching(/^file:.*\/token$/) as unknown } },
    },
  })
})

test.each([
  ['listen: { port: 1 }', ['listen.port']],
  ['ops: { host: "::1" }', ['ops.host']],
  ['listen: { trustedProxies: [10.0.0.0/8] }', []],
  ['limits: { drain: 1s, deadline: 1s, headerBytes: 2048 }', ['limits.headerBytes', 'limits.drain']],
  ['reload: { interval: 1m }', ['reload.interval']],
  ['log: { level: debug }', []],
])('%s needs a restart for %j', (changed, needed) => {
  const base = `auth: { issuers: [${ISSUER}] }\nclusters: { main: ${CLUSTER} }\n`
  expect(needRestart(load(base), load(base + changed))).toEqual(needed)
})
