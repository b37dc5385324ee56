import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from '@jest/globals'

import { openConfigSource } from '../../../src/config/source.ts'
import type { ConfigSource } from '../../../src/config/source.ts'
import { watchSource } from '../../../src/config/watch-source.ts'
import { until } from '../../support/until.ts'

const text = (port: number): string => `
listen: { port: ${String(port)} }
ops: { token: file:ops-token }
auth: { issuers: [{ issuer: https://idp.test, audience: gateway, jwks: { file: jwks.json } }] }
clusters: { main: { nodes: ["http://127.0.0.1:9200"], service: { kind: none } } }
`
let folder: string
let source: ConfigSource
let ports: number[]
let watch: { close(): void } | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-gateway-watch-'))
  ports = []
})
afterEach(() => {
  watch?.close()
  rmSync(folder, { recursive: true, force: true })
})

function write(name: string, content: string): void {
  writeFileSync(join(folder, name), content)
}

/** Reads the configuration, and again after each change; `ports` are those that were read, 0 where it was refused. */
function begin(): void {
  source = openConfigSource(join(folder, 'gateway.yaml'), { env: {}, check: () => [] })
  const read = (): void => {
    try {
      ports.push(source.read().listen.port)
    } catch {
      ports.push(0)
    }
  }
  read()
  watch = watchSource(source, 10, read)
}

test('the file written over, replaced by another, gone and back', async () => {
  write('ops-token', 'token-of-sixteen-and-more')
  write('gateway.yaml', text(1))
  begin()
  write('gateway.yaml', text(2))
  await until(() => ports.length === 2)
  write('new', text(3))
  renameSync(join(folder, 'new'), join(folder, 'gateway.yaml'))
  await until(() => ports.length === 3)
  rmSync(join(folder, 'gateway.yaml'))
  await until(() => ports.length === 4)
  write('gateway.yaml', text(4))
  await until(() => ports.length === 5)
  expect(ports).toEqual([1, 2, 3, 0, 4])
})

test('links that are pointed elsewhere, as Kubernetes replaces a ConfigMap', async () => {
  for (const [version, port] of [
    ['v1', 1],
    ['v2', 2],
  ] as const) {
    mkdirSync(join(folder, version))
    write(`${version}/gateway.yaml`, text(port))
    write(`${version}/ops-token`, 'token-of-sixteen-and-more')
  }
  symlinkSync('v1', join(folder, '..data'))
  symlinkSync('..data/gateway.yaml', join(folder, 'gateway.yaml'))
  symlinkSync('..data/ops-token', join(folder, 'ops-token'))
  begin()
  symlinkSync('v2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  await until(() => ports.length === 2)
  expect(ports).toEqual([1, 2])
})

test('a file that the configuration names, also one that comes later', async () => {
  write('ops-token', 'token-of-sixteen-and-more')
  write('gateway.yaml', text(1))
  begin()
  write('jwks.json', '{}')
  await until(() => ports.length === 2)
  write('ops-token', 'short')
  await until(() => ports.length === 3)
  write('ops-token', 'another-token-of-sixteen')
  await until(() => ports.length === 4)
  expect(ports).toEqual([1, 1, 0, 1])
})

test('what has been read already is no change', () => {
  write('ops-token', 'token-of-sixteen-and-more')
  write('gateway.yaml', text(1))
  begin()
  expect(source.fingerprint()).toBe(source.lastRead())
  write('gateway.yaml', text(2))
  expect(source.fingerprint()).not.toBe(source.lastRead())
  source.read()
  expect(source.fingerprint()).toBe(source.lastRead())
})
