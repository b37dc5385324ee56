import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { startTestGateway } from '../support/gateway.ts'
import { loadApiSpec } from './api-spec.ts'
import type { ApiSpec } from './api-spec.ts'
import { fetchSuite } from './fetch-suite.ts'
import { loadTests } from './load-tests.ts'
import type { RestTest } from './load-tests.ts'
import { runTest } from './run-test.ts'
import type { Outcome } from './run-test.ts'
import { openSender } from './send.ts'
import { wipeCluster } from './wipe.ts'

/** What became of one test on both ways. */
export interface Compared {
  readonly test: RestTest
  readonly direct: Outcome
  readonly through: Outcome
}

/** A cluster that the tests have to themselves, with a gateway before it. */
export interface RestWorld {
  readonly suite: string
  runFile(file: string): Promise<Compared[]>
  close(): Promise<void>
}

export async function openRestWorld(onProgress: (message: string) => void = () => undefined): Promise<RestWorld> {
  const suite = await fetchSuite()
  const spec: ApiSpec = await loadApiSpec(suite)
  const closing: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end()
  }
  try {
    const repositories = await mkdtemp(join(tmpdir(), 'memory-gateway-test-'))
    closing.push(() => rm(repositories, { recursive: true, force: true }))
    // The server may run as another user than this process.
    await chmod(repositories, 0o777)
    // As the server's own build starts the cluster of these tests.
    const settings = { 'path.repo': repositories, 'node.attr.testattr': 'test' }
    const cluster = await startOpenSearch({ heapMegabytes: 512, isShortLived: true, settings, onProgress })
    closing.push(() => cluster.stop())
    const gateway = await startTestGateway({ cluster: { nodes: [cluster.url] }, log: { level: 'warn' } })
    closing.push(() => gateway.close())
    const token = await gateway.token({ subject: 'operator', scopes: ['opensearch:admin'], ttlMs: 7_200_000 })
    const direct = openSender(cluster.url, token)
    const through = openSender(gateway.url, token)
    closing.push(
      () => direct.close(),
      () => through.close(),
    )
    return {
      suite,
      close,
      async runFile(file) {
        const compared: Compared[] = []
        for (const test of await loadTests(suite, file)) {
          const outcomes: Outcome[] = []
          for (const sender of [direct, through]) {
            outcomes.push(await runTest(test, spec, sender, cluster.version))
            if (outcomes.at(-1)?.result !== 'skipped') await wipeCluster(direct)
          }
          const [first, second] = outcomes
          if (first !== undefined && second !== undefined) compared.push({ test, direct: first, through: second })
        }
        return compared
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** In words what is not the same on both ways; `undefined` where all is. */
export function differenceOf({ direct, through }: Compared): string | undefined {
  if (direct.result !== through.result) {
    return `${direct.result} directly (${direct.reason ?? 'no reason'}), ${through.result} through the gateway (${through.reason ?? 'no reason'})`
  }
  const [mine, theirs] = [direct.trace.map(withoutDrawn), through.trace.map(withoutDrawn)]
  const place = Array.from({ length: Math.max(mine.length, theirs.length) }, (_, at) => at).find(
    (at) => mine[at] !== theirs[at],
  )
  return place === undefined
    ? undefined
    : `request ${place + 1}: directly ${mine[place] ?? 'none'}, through the gateway ${theirs[place] ?? 'none'}`
}

/** Ids that the server draws (of documents, scrolls, tasks, nodes) stand in paths of later requests. */
function withoutDrawn(line: string): string {
  return line.replace(/[\w=-]{20,}(?:(?::|%3A)\d+)?/g, '<id>')
}
