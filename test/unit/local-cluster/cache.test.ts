import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { cached, cacheFolder } from '../../../src/local-cluster/cache.ts'

let cache: string

beforeEach(async () => {
  cache = join(await mkdtemp(join(tmpdir(), 'cache-')), 'not', 'there', 'yet')
})
afterEach(() => rm(join(cache, '../../..'), { recursive: true }))

const nothing = () => undefined
const never = () => Promise.reject(new Error('It was there already'))
const fill = (folder: string) => writeFile(join(folder, 'file'), 'whole')
const content = (folder: string) => readFile(join(folder, 'file'), 'utf8')

/** The number of a process that has ended. */
const goneProcess = () => execFileSync('/bin/sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim()

describe('cached', () => {
  test('fills once, then finds', async () => {
    const folder = await cached(cache, 'server', fill, nothing)
    expect(await cached(cache, 'server', never, nothing)).toBe(folder)
    expect(await content(folder)).toBe('whole')
    expect(await readdir(cache)).toEqual(['server'])
  })

  test('two first starts at once fill once: the other waits, and says so', async () => {
    const filled: string[] = []
    const waited: string[] = []
    const someoneWaits = Promise.withResolvers<undefined>()
    const slowly = (name: string) => async (folder: string) => {
      filled.push(name)
      await someoneWaits.promise
      await fill(folder)
    }
    const start = (name: string) =>
      cached(cache, 'server', slowly(name), () => {
        waited.push(name)
        someoneWaits.resolve(undefined)
      })
    const folders = await Promise.all([start('a'), start('b')])
    expect(folders).toEqual([join(cache, 'server'), join(cache, 'server')])
    expect(filled).toHaveLength(1)
    expect(waited).toHaveLength(1)
    expect(waited).not.toEqual(filled)
    expect(await readdir(cache)).toEqual(['server'])
  })

  test('a fill that fails leaves nothing, and the next one is tried', async () => {
    const failing = async (folder: string) => {
      await fill(folder)
      throw new Error('no network')
    }
    await expect(cached(cache, 'server', failing, nothing)).rejects.toThrow('no network')
    expect(await readdir(cache)).toEqual([])
    expect(await content(await cached(cache, 'server', fill, nothing))).toBe('whole')
  })

  test('what a killed start left is taken over and removed', async () => {
    const gone = goneProcess()
    await mkdir(join(cache, `server.unfinished-${gone}-abcdef`), { recursive: true })
    await mkdir(join(cache, `server.unfinished-${process.pid}-abcdef`))
    await writeFile(join(cache, 'server.lock'), gone)
    expect(await content(await cached(cache, 'server', fill, nothing))).toBe('whole')
    expect(await readdir(cache)).toEqual(['server', `server.unfinished-${process.pid}-abcdef`])
  })

  test('one that lost the race for the name is content with the winner', async () => {
    const folder = await cached(
      cache,
      'server',
      async (unfinished) => {
        await writeFile(join(unfinished, 'file'), 'mine')
        await mkdir(join(cache, 'server'))
        await fill(join(cache, 'server'))
      },
      nothing,
    )
    expect(await content(folder)).toBe('whole')
    expect(await readdir(cache)).toEqual(['server'])
  })
})

test.each([
  [{ MEMORY_GATEWAY_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, '/own'],
  [{ XDG_CACHE_HOME: '/xdg' }, '/xdg/opensearch-memory-gateway'],
  [{ MEMORY_GATEWAY_CACHE: '', XDG_CACHE_HOME: '' }, '/home/me/.cache/opensearch-memory-gateway'],
])('the cache of %p is %s', (env, folder) => {
  expect(cacheFolder(env, '/home/me')).toBe(folder)
})
