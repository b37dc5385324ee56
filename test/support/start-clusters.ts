import { generateKeyPair } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { progressPrinter } from '../../src/progress.ts'
import {
  type OpenSearchOptions,
  type RunningOpenSearch,
  startOpenSearch,
} from '../../src/local-cluster/start-opensearch.ts'
import { parseVersion, securityPluginFor } from '../../src/local-cluster/versions.ts'
import type { SecuredCluster, TestClusters } from './clusters.ts'
import { beginCollecting } from './collected.ts'

const started: RunningOpenSearch[] = []

/**
 * With half of the heap the server's circuit breaker answered 429 now and then when suites ran side by side. For the minutes of a run compiling well does not pay:
 * the start and 800 tests took 93 s of CPU time in place of 143.
 */
const JAVA = { heapMegabytes: 1_024, isShortLived: true }

/** Jest's globalSetup: one cluster of each kind for the whole run, or those of TEST_CLUSTERS_KEEP (see keep-clusters.ts). */
export default async function startClusters(): Promise<void> {
  beginCollecting()
  const kept = process.env['TEST_CLUSTERS_KEEP']
  process.env['TEST_CLUSTERS'] =
    kept === undefined || kept === '' ? JSON.stringify(await startTestClusters()) : await readFile(kept, 'utf8')
}

/** Starts both clusters at once. When one does not come up, the other is stopped too. */
export async function startTestClusters(): Promise<TestClusters> {
  const version = parseVersion(process.env['OPENSEARCH_VERSION'])
  const progress = progressPrinter(process.stderr)
  try {
    const [plain, secured] = await Promise.all([
      start({ version, ...JAVA, onProgress: progress.show }),
      securityPluginFor(version) === undefined
        ? undefined
        : startSecured({ version, ...JAVA, onProgress: progress.show }),
    ])
    return { plain: describe(plain), secured }
  } catch (error) {
    await stopTestClusters()
    throw error
  } finally {
    progress.end()
  }
}

/** Stops what startTestClusters started. */
export async function stopTestClusters(): Promise<void> {
  await Promise.all(started.splice(0).map((cluster) => cluster.stop()))
}

async function startSecured(options: OpenSearchOptions): Promise<SecuredCluster> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const cluster = await start({ ...options, secured: true, jwt: { publicKeys: [pem] } })
  if (cluster.secured === undefined) throw new Error('The cluster was started without security')
  return {
    ...describe(cluster),
    access: cluster.secured,
    jwtPrivateKey: privateKey.export({ format: 'jwk' }),
    proxyAuth: true,
  }
}

async function start(options: OpenSearchOptions): Promise<RunningOpenSearch> {
  const cluster = await startOpenSearch(options)
  started.push(cluster)
  return cluster
}

function describe({ url, version, pid, log }: RunningOpenSearch) {
  return { url, version, pid, log }
}
