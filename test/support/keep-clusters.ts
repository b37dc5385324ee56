// Starts the clusters of the tests and keeps them, so that runs of the tests need not start their own:
//
//   node test/support/keep-clusters.ts /tmp/clusters.json        # until Ctrl-C; ready when it says so and the file is there
//   TEST_CLUSTERS_KEEP=/tmp/clusters.json npm run test:cluster
//
// The file holds a TestClusters (clusters.ts) as JSON, the private key for test tokens with it; it goes away with the clusters.
import { rmSync, writeFileSync } from 'node:fs'
import { startTestClusters, stopTestClusters } from './start-clusters.ts'

const file = process.argv[2]
if (file === undefined) throw new Error('Usage: node test/support/keep-clusters.ts <file to describe the clusters in>')
const clusters = await startTestClusters()
writeFileSync(file, JSON.stringify(clusters, undefined, 2), { mode: 0o600 })
process.stdout.write(
  `${clusters.plain.url} and ${clusters.secured?.url ?? 'no secured one'} run until Ctrl-C; see ${file}\n`,
)

const endless = setInterval(() => undefined, 60_000)
const stop = async () => {
  rmSync(file, { force: true })
  await stopTestClusters()
  clearInterval(endless)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
