import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from '@jest/globals'

import { createReceiptKey, openReceiptKeys } from '../../src/auth/receipt-keys.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { openTestAudit } from '../support/audit.ts'
import type { TestAudit } from '../support/audit.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collect } from '../support/collected.ts'
import { openErasureWorld, putMany } from '../support/erasure-world.ts'
import type { ErasureWorld } from '../support/erasure-world.ts'
import { readFileSync } from 'node:fs'

// The command as its users run it: a process of its own, without any gateway.

const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-erase-'))
const config = join(folder, 'gateway.yaml')
let world: ErasureWorld
let audit: TestAudit

beforeAll(async () => {
  world = await openErasureWorld()
  audit = openTestAudit()
  await createReceiptKey(join(folder, 'key.json'))
  const { jwks } = await openReceiptKeys([readFileSync(join(folder, 'key.json'), 'utf8')])
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify(jwks))
  const issuer = { audience: 'x', jwks: { file: 'jwks.json' }, algorithms: ['ES256' as const] }
  const input: ConfigInput = {
    auth: {
      issuers: [
        { issuer: 'https://a.test', ...issuer },
        { issuer: 'https://b.test', namePrefix: 'b:', ...issuer },
      ],
    },
    clusters: { main: { nodes: [plainCluster().url], service: { kind: 'none' } } },
    memory: world.settings.memory,
    receipts: { mode: 'on', keys: ['file:key.json'] },
    audit: audit.required,
    erasures: { interval: '100ms' },
  }
  writeFileSync(config, JSON.stringify(input))
})
afterAll(async () => {
  await world.removeAll()
  audit.remove()
  rmSync(folder, { recursive: true, force: true })
})

const run = (words: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [CLI, ...words], { cwd: folder }, (_, out, err) => {
      collect('erase', out + err)
      resolve({ code: child.exitCode ?? -1, out, err })
    })
    child.stdin?.end(input)
  })
const erase = (...words: string[]) => run(['erase', '--config', config, ...words])

test('it counts, refuses what does not fit, deletes, and prints a receipt that the other command verifies', async () => {
  await putMany(world, 'working', 'b:alice', 3)
  await putMany(world, 'history', 'alice', 2)
  expect(await erase('--subject', 'alice')).toMatchObject({
    code: 1,
    err: expect.stringContaining('several issuers') as unknown,
  })
  const person = ['--subject', 'alice', '--issuer', 'https://b.test']
  const planned = await erase(...person)
  expect(planned).toMatchObject({ code: 0, err: '' })
  expect(planned.out).toMatch(
    /^ +3 {2}main {2}c {2}working {2}\S+\n +3 {2}in all\nNothing was deleted\. To delete them: --apply (\S+)\n$/,
  )
  const hash = /--apply (\S+)/.exec(planned.out)?.[1] ?? ''

  await putMany(world, 'sessions', 'b:alice', 1)
  const misfit = await erase(...person, '--apply', hash)
  expect([misfit.code, misfit.out]).toEqual([3, expect.stringContaining('4  in all')])
  const done = await erase(...person, '--apply', /--apply (\S+)/.exec(misfit.out)?.[1] ?? '')
  expect([done.code, done.err.split('\n').at(-2)]).toEqual([0, 'done: 4 of 4 memories deleted'])

  const verified = await run(['receipt', 'verify', '--jwks', 'jwks.json'], done.out)
  expect(verified.code).toBe(0)
  expect(JSON.parse(verified.out)).toMatchObject({
    action: 'erase-person',
    subject: 'alice',
    subject_issuer: 'https://b.test',
    deleted: 4,
    left: 0,
  })
  expect(JSON.parse((await erase('--subject', 'alice', '--issuer', 'https://a.test', '--json')).out)).toMatchObject({
    total: 2,
  })
  expect(audit.deletes()).toMatchObject([
    { 'memory.phase': 'intent', 'agent.id': 'gateway-1-erase', 'user.target.id': 'alice' },
    { 'memory.phase': 'outcome', 'event.outcome': 'success', 'memory.deleted': 4 },
  ])
  expect((await audit.verify()).intact).toBe(true)
}, 60_000)
