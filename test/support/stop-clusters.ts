import { stopTestClusters } from './start-clusters.ts'

/** Jest's globalTeardown. Clusters of TEST_CLUSTERS_KEEP stay: they were not started here. */
export default stopTestClusters
