import scanAll from './end-collecting.ts'
import { stopTestClusters } from './start-clusters.ts'

/** Jest's globalTeardown. Clusters of TEST_CLUSTERS_KEEP stay: they were not started here. */
export default async function endRun(): Promise<void> {
  await stopTestClusters()
  await scanAll()
}
