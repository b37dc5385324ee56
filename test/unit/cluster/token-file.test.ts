import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from '@jest/globals'

import { openTokenFile } from '../../../src/cluster/token-file.ts'

let folder: string
let now = 0
const path = (name: string): string => join(folder, name)
const later = (): number => (now += 1_000)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'memory-gateway-test-'))
  await writeFile(path('a'), 'one\n')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a token is read anew when its file is written, renamed over, or a link that points elsewhere', async () => {
  await symlink('a', path('link'))
  const token = openTokenFile(path('link'), () => now)
  expect(token()).toBe('one')
  await writeFile(path('a'), 'two')
  expect(token()).toBe('one')
  later()
  expect(token()).toBe('two')
  await writeFile(path('b'), 'three')
  await rename(path('b'), path('a'))
  later()
  expect(token()).toBe('three')
  await writeFile(path('c'), 'four')
  await symlink('c', path('new'))
  await rename(path('new'), path('link'))
  later()
  expect(token()).toBe('four')
})

test('while the file is away or empty the last token holds', async () => {
  const token = openTokenFile(path('a'), () => now)
  await rm(path('a'))
  later()
  expect(token()).toBe('one')
  await writeFile(path('a'), '')
  later()
  expect(token()).toBe('one')
  await writeFile(path('a'), 'two')
  later()
  expect(token()).toBe('two')
})

test('a file that is not there at first is an error', () => {
  expect(() => openTokenFile(path('missing'))).toThrow('ENOENT')
})
