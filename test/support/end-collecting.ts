import { scanCollected } from './scan-collected.ts'

/**
 * Jest's globalTeardown; of all projects that collect, the first one's looks.
 * @throws Error where a token, a password or a memory's text was found in what gateways said during the run: it fails the run
 */
export default async function scanAll(): Promise<void> {
  const scanned = await scanCollected()
  if (scanned === undefined) return
  const counts = Object.entries(scanned.lines).map(([kind, count]) => `${String(count)} ${kind}`)
  process.stderr.write(`lines of gateways scanned for tokens, passwords and memory texts: ${counts.join(', ')}\n`)
  const { finds } = scanned
  if (finds.length === 0) return
  const bySource = Map.groupBy(finds, (find) => find.slice(0, find.indexOf(']')))
  const shown = [...bySource.values()].flatMap((some) => some.slice(0, 5))
  throw new Error(`A secret was found ${String(finds.length)} times:\n${shown.join('\n')}`)
}
