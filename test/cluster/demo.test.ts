import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'

import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collectDemo, collectingInChild } from '../support/collected.ts'

const ROOT = join(import.meta.dirname, '../..')
const running = new Set<ChildProcessWithoutNullStreams>()

interface Demo {
  readonly process: ChildProcessWithoutNullStreams
  /** Resolves with everything printed so far as soon as the pattern is in it. */
  printed(pattern: RegExp): Promise<string>
  /** The exit code, and everything printed. */
  readonly ended: Promise<{ code: number | null; output: string }>
}

function startDemo(...options: string[]): Demo {
  const collecting = collectingInChild()
  const args = ['--import', './src/require-node.js', ...collecting.flags, CLI, 'demo', ...options]
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...collecting.env } })
  running.add(child)
  let output = ''
  const grown = new EventTarget()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      grown.dispatchEvent(new Event('grown'))
    })
  }
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child)
    collectDemo(output)
    return { code: code as number | null, output }
  })
  return {
    process: child,
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(output)) resolve(output)
        }
        grown.addEventListener('grown', look)
        void ended.then(() => reject(new Error(`the demo ended before it printed ${String(pattern)}:\n${output}`)))
        look()
      }),
  }
}

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

const FIRST =
  /DELETE \/_plugins\/_ml\/memory_containers\/container-of-alice\/memories\/working\/alice-working-1\n {2}200 OK\n {2}(\{.*\})\n/
const SECOND = /DELETE \/api\/memories\/alice-long-term-1\n {2}200 OK\n {2}(\{.*\})\n/

function expectBothDeletes(output: string): void {
  const first: unknown = JSON.parse(FIRST.exec(output)?.[1] ?? '{}')
  expect(first).toMatchObject({ _id: 'alice-working-1', _version: 2, result: 'deleted' })
  expect(JSON.parse(SECOND.exec(output)?.[1] ?? '{}')).toEqual({ message: 'Memory deleted' })
}

describe('the demo', () => {
  test('--once deletes in both dialects on an embedded store, says that it is one, and ends well', async () => {
    const { code, output } = await startDemo('--once').ended
    expectBothDeletes(output)
    expect(output).toMatch(/embedded store.*keeps nothing/)
    expect(code).toBe(0)
  })

  test("--cluster uses the user's own cluster, and leaves nothing there", async () => {
    const { url } = plainCluster()
    const { code, output } = await startDemo('--once', '--cluster', url).ended
    expectBothDeletes(output)
    expect(output).toContain(`Cluster:     ${url}`)
    expect(code).toBe(0)
    const [, prefix = ''] = /"_index":"(memory-gateway-demo-[0-9a-f]+)-memory-working"/.exec(output) ?? []
    const left = await fetch(`${url}/_cat/indices/${prefix}*?format=json`)
    expect(prefix).not.toBe('')
    expect(await left.json()).toEqual([])
  })

  test('stays until Ctrl-C, and its curl lines do what they say', async () => {
    const demo = startDemo()
    const output = await demo.printed(/Ctrl-C ends it/)
    const token = /^ {2}TOKEN=(\S+)$/m.exec(output)?.[1] ?? ''
    const lines = [
      ...output.matchAll(/^ {2}curl -i -X DELETE (-H "Authorization: Bearer \$TOKEN" )?(\S+)\n {6}# (.*)$/gm),
    ]
    const answers = await Promise.all(
      lines.map(async ([, header, url = '', promise]) => {
        const headers = header === undefined ? {} : { authorization: `Bearer ${token}` }
        const { status } = await fetch(url, { method: 'DELETE', headers })
        return { promise, status }
      }),
    )
    expect(answers).toEqual([
      { promise: expect.stringContaining('200') as unknown, status: 200 },
      { promise: expect.stringContaining('Memory deleted') as unknown, status: 200 },
      { promise: expect.stringContaining('404') as unknown, status: 404 },
      { promise: expect.stringContaining('403') as unknown, status: 403 },
      { promise: expect.stringContaining('401') as unknown, status: 401 },
    ])
    demo.process.kill('SIGINT')
    expect((await demo.ended).code).toBe(0)
  })

  test('a cluster that is not there is said plainly, and is no success', async () => {
    const { code, output } = await startDemo('--once', '--cluster', 'http://127.0.0.1:1').ended
    expect(output).toContain('The cluster at http://127.0.0.1:1 cannot be reached')
    expect(output).not.toMatch(/\n {4}at /)
    expect(code).toBe(1)
  })
})
