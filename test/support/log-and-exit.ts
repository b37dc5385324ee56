// Writes access lines to stdout as a gateway does, says on stderr that it has, and ends: `node log-and-exit.ts LINES MAX_LENGTH`.
import { createLog, openStdout, writeOut } from '../../src/ops/log.ts'

const [lines = 0, maxLength = 0] = process.argv.slice(2).map(Number)
const destination = openStdout({ maxLength })
const log = createLog('info', destination)
for (let at = 0; at < lines; at++) {
  log.access({ requestId: 'r', method: 'GET', path: '/', route: 'passThrough', status: 200, durationMs: 1 })
  // As requests come: some of them each turn.
  if (at % 50 === 0) await new Promise(setImmediate)
}
process.stderr.write('logged\n')
await writeOut(destination)
// As a gateway ends after its drain: what is not written by now is lost.
process.exit()
