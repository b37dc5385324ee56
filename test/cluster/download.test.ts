import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { DEFAULT_VERSION } from '../../src/local-cluster/versions.ts'
import { CLI } from '../support/cli.ts'
import { CLEAR, hasTerminal, runOnTerminal } from '../support/terminal.ts'

// A server put together anew from a mirror on this machine, which has what this machine's own Maven has fetched before. A hundred megabytes and a
// server of its own: TEST_LONG=1 runs it.

const FETCHED_BEFORE = join(homedir(), '.m2/repository')
const onTerminal = process.env['TEST_LONG'] === '1' && hasTerminal ? describe : describe.skip

onTerminal('demo --real of somebody who never ran it before (TEST_LONG=1)', () => {
  let mirror: Server
  let home: string
  let url: string

  beforeAll(async () => {
    mirror = createServer((request, response) => {
      const found = contentOf(join(FETCHED_BEFORE, decodeURIComponent(request.url ?? '')))
      response.writeHead(found === undefined ? 404 : 200).end(found)
    })
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${String((mirror.address() as AddressInfo).port)}`
    home = mkdtempSync(join(tmpdir(), 'memory-gateway-download-'))
    mkdirSync(join(home, '.m2'))
    const settings = `<settings><mirrors><mirror><id>here</id><mirrorOf>*</mirrorOf><url>${url}</url></mirror></mirrors></settings>`
    writeFileSync(join(home, '.m2/settings.xml'), settings)
  })
  afterAll(async () => {
    mirror.closeAllConnections()
    mirror.close()
    await rm(home, { recursive: true, force: true })
  })

  test('what is fetched is counted in one line that is drawn anew, then the start, and nothing of it stays', async () => {
    // Java finds a user's home without HOME.
    const env = { MAVEN_OPTS: `-Duser.home=${home}`, MEMORY_GATEWAY_CACHE: join(home, 'cache') }
    const { code, shown } = await runOnTerminal([process.execPath, CLI, 'demo', '--real', '--once'], { env })
    expect({ code, shown }).toMatchObject({ code: 0 })
    const [progress = '', rest = ''] = shown.split('Gateway:')
    // One line, whatever was said in it.
    expect(progress).not.toContain('\n')
    const said = progress.split(CLEAR).filter((text) => text !== '')
    expect(said[0]).toContain(`Putting opensearch-${DEFAULT_VERSION} together from Maven Central`)
    const counted = said.flatMap((text) => {
      const files = /^Fetching OpenSearch from Maven Central: (\d+) files/.exec(text)?.[1]
      return files === undefined ? [] : [Number(files)]
    })
    expect(Math.max(...counted)).toBeGreaterThan(50)
    // Maven is run twice: which log4j it takes is known only once the server is there.
    const falls = counted.filter((files, position) => files < (counted[position - 1] ?? 0))
    expect(falls.length).toBeLessThan(2)
    expect(said.at(-1)).toBe(`Starting OpenSearch ${DEFAULT_VERSION}`)
    expect(progress.endsWith(CLEAR)).toBe(true)
    expect(rest).toContain('{"message":"Memory deleted"}')
  }, 300_000)
})

/** Maven asks for a checksum beside each file, and keeps not all of them. */
function contentOf(path: string): Buffer | string | undefined {
  if (existsSync(path)) return readFileSync(path)
  const file = path.replace(/\.sha1$/, '')
  if (file === path || !existsSync(file)) return undefined
  return createHash('sha1').update(readFileSync(file)).digest('hex')
}
