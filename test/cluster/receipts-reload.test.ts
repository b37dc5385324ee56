import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { compactVerify, createLocalJWKSet, decodeProtectedHeader } from 'jose'
import type { JSONWebKeySet } from 'jose'

import { createReceiptKey } from '../../src/auth/receipt-keys.ts'
import { openStatementKeys } from '../../src/auth/verify-statement.ts'
import { openTestAudit } from '../support/audit.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { openGatewayProcesses } from '../support/gateway-process.ts'
import type { GatewayProcess, GatewayProcesses } from '../support/gateway-process.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

const memories = testMemories(plainCluster().url)
const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-rotation-'))
const audit = openTestAudit()
const agent = new Agent({ keepAlive: true, maxSockets: 8 })
const KEY_SET = '/.well-known/memory-gateway/jwks.json'
const keyFile = (name: string): string => join(folder, `${name}.json`)
let processes: GatewayProcesses
let gateway: GatewayProcess

const configWith = (keys: readonly string[]): Parameters<GatewayProcesses['start']>[0] => ({
  clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' } } },
  memory: { containerIndex: memories.containerIndex },
  audit: { sink: 'file', file: audit.path, writer: 'gateway-1', checkpoint: { records: 50 } },
  receipts: { mode: 'on', keys: keys.map((name) => `file:${keyFile(name)}`) },
  // On SIGHUP alone.
  reload: { watch: false },
})

beforeAll(async () => {
  for (const name of ['first', 'second', 'third']) await createReceiptKey(keyFile(name))
  await memories.putContainer('c', { owner: { name: 'alice' } })
  processes = await openGatewayProcesses()
  gateway = await processes.start(configWith(['first']))
})
afterAll(async () => {
  agent.destroy()
  await processes.close()
  await memories.removeAll()
  audit.remove()
  rmSync(folder, { recursive: true })
})

const keySet = async (): Promise<JSONWebKeySet> => (await call(gateway.url, { path: KEY_SET })).body as JSONWebKeySet
const kidOf = (receipt: string): string => String(decodeProtectedHeader(receipt).kid)

test('keys are rotated twice by SIGHUP while deletes run: old receipts still verify, new ones by the new key', async () => {
  const receipts: string[] = []
  let isOver = false
  const deleteOne = async (id: string): Promise<void> => {
    await memories.putMemory('working', id, { memory_container_id: 'c', owner_id: 'alice' })
    const path = `/_plugins/_ml/memory_containers/c/memories/working/${id}`
    const { status, headers } = await call(gateway.url, { method: 'DELETE', path, token: processes.token, agent })
    expect(status).toBe(200)
    receipts.push(String(headers['memory-receipt']))
  }
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    for (let n = 0; !isOver; n++) await deleteOne(`m-${String(caller)}-${String(n)}`)
  })
  const kids = (): ReadonlySet<string> => new Set(receipts.map(kidOf))
  try {
    await until(() => receipts.length >= 16)
    // Another list of keys in the configuration.
    gateway.configure(configWith(['second', 'first']))
    gateway.child.kill('SIGHUP')
    await until(() => kids().size === 2)
    // The same list, with another content in one of the files.
    copyFileSync(keyFile('first'), keyFile('oldest'))
    gateway.configure(configWith(['first', 'second', 'oldest']))
    copyFileSync(keyFile('third'), keyFile('first'))
    gateway.child.kill('SIGHUP')
    await until(() => kids().size === 3)
  } finally {
    isOver = true
    await Promise.all(callers)
  }
  // What was under way at the rotation is signed by the key of its beginning, however late it is answered.
  for (let n = 0; n < 8; n++) await deleteOne(`next-${String(n)}`)

  const jwks = await keySet()
  expect(jwks.keys).toHaveLength(3)
  expect(new Set(jwks.keys.map(({ kid }) => String(kid)))).toEqual(kids())
  const keys = createLocalJWKSet(jwks)
  const said = await Promise.all(receipts.map(async (one) => (await compactVerify(one, keys)).payload))
  expect(new Set(said.map((bytes) => (JSON.parse(new TextDecoder().decode(bytes)) as { id: string }).id)).size).toBe(
    receipts.length,
  )
  // What is signed next, is by the newest.
  const newest = receipts.slice(-8).map(kidOf)
  expect(new Set(newest)).toEqual(new Set([String(jwks.keys[0]?.kid)]))

  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toEqual({ code: 0 })
  writeFileSync(keyFile('jwks'), JSON.stringify(jwks))
  const verify = await openStatementKeys(keyFile('jwks'))
  expect(await audit.verify({ verifySignature: (jws) => verify('memory-audit-checkpoint+jwt', jws) })).toMatchObject({
    intact: true,
  })
}, 60_000)
