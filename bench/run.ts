import { OPTIONS } from './options.ts'

// Everything side by side in one run, interleaved; what counts are the ratios within a round. See README.md.
// Usage: npm run bench [-- suite... --rounds N --deletes N --requests N --callers 1,8 --million --memories N]
const SUITES = {
  deletes: async () => (await import('./suites/deletes.ts')).benchDeletes(),
  proof: async () => (await import('./suites/proof.ts')).benchProof(),
  'pass-through': async () => (await import('./suites/pass-through.ts')).benchPassThrough(),
  tokens: async () => (await import('./suites/tokens.ts')).benchTokens(),
  erasure: async () => (await import('./suites/erasure.ts')).benchErasure(),
  process: async () => (await import('./suites/process.ts')).benchProcess(),
} as const satisfies Record<string, () => Promise<void>>

const unknown = OPTIONS.suites.filter((name) => !(name in SUITES))
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. There are ${Object.keys(SUITES).join(', ')}`)
  process.exitCode = 2
} else {
  for (const [name, bench] of Object.entries(SUITES)) {
    if (OPTIONS.suites.length === 0 || OPTIONS.suites.includes(name)) await bench()
  }
}
