import { scanCollected } from './scan-collected.ts'
import { stopTestClusters } from './start-clusters.ts'

/**
 * Jest's globalTeardown. Clusters of TEST_CLUSTERS_KEEP stay: they were not started here.
 * @throws Error where a token, a password or a memory's text was found in what gateways said during the run: it fails the run
 */
export default async function endRun(): Promise<void> {
  await stopTestClusters()
  const { finds, lines } = await scanCollected()
  process.stderr.write(`${String(lines)} lines of gateways scanned for tokens, passwords and memory texts\n`)
  if (finds.length === 0) return
  throw new Error(`A secret was found ${String(finds.length)} times:\n${finds.slice(0, 20).join('\n')}`)
}
