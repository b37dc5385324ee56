import { expect, test } from '@jest/globals'

import { checkConfig } from '../../../src/check-config.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { ConfigError } from '../../../src/config/problem.ts'

const CLUSTER = '{ nodes: [http://127.0.0.1:9200], service: { kind: none } }'

function problemsOf(revocation: string, clusters: readonly string[] = ['main']): readonly string[] {
  const text = `
auth: { issuers: [{ issuer: https://idp.test, audience: gateway, jwks: { uri: https://idp.test/jwks } }] }
clusters: { ${clusters.map((name) => `${name}: ${CLUSTER}`).join(', ')} }
routes: [{ cluster: main }]
ops: { token: operator-token-0123456789 }
revocation: ${revocation}`
  try {
    parseConfig(text, '/nowhere/gateway.yaml', { env: {}, check: checkConfig })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
}

test.each<readonly [string, readonly string[], ...(readonly string[])]>([
  ['{}', []],
  ['{ file: list.jsonl, accept: true }', []],
  ['{ index: {}, accept: true }', []],
  ['{ index: { cluster: main, name: .ours } }', [], 'main', 'other'],
  ['{ accept: true }', ['revocation.accept: needs file or index: where to add to (is true)']],
  ['{ file: list.jsonl, index: {} }', ['revocation.index: cannot be had beside file: the list is kept in one place']],
  ['{ index: { cluster: none } }', ['revocation.index.cluster: names no cluster; there are main']],
  ['{ index: {} }', ['revocation.index.cluster: is needed with several clusters: main, other'], 'main', 'other'],
  ['{ index: { name: open } }', [expect.stringContaining('that begins with a dot') as unknown as string]],
  ['{ index: {}, interval: 2m }', ['revocation.interval: must be at most 1m (is "2m")']],
])('revocation: %s', (text, problems, ...clusters) => {
  expect(problemsOf(text, clusters.length === 0 ? undefined : clusters)).toEqual(problems)
})
