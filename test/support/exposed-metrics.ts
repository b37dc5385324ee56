import { createMetrics } from '../../src/ops/metrics.ts'

interface ExposedMetric {
  readonly name: string
  readonly help: string
  readonly type: string
}

/** Every metric that a gateway exposes, the process's own among them. */
export async function exposedMetrics(): Promise<readonly ExposedMetric[]> {
  const metrics = createMetrics()
  metrics.watch({
    keySets: () => [],
    clusters: () => [],
    checks: () => ({}),
    audit: () => ({ waiting: 0 }),
    revocation: () => ({ entries: 0, reachable: true, readAt: 0 }),
    erasures: () => new Map(),
    tokens: () => ({ remembered: 0, verified: 0 }),
  })
  const { text } = await metrics.expose()
  return [...text.matchAll(/^# HELP (\w+) (.*)\n# TYPE \w+ (\w+)$/gm)].map(([, name = '', help = '', type = '']) => ({
    name,
    help,
    type,
  }))
}
