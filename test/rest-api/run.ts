// `npm run test:rest-api -- [folder ...]`: the server's own REST tests, all or those of some folders, directly and through the gateway.
import { progressPrinter } from '../../src/progress.ts'
import { beginCollecting } from '../support/collected.ts'
import scanAll from '../support/end-collecting.ts'
import { SUITE_VERSION } from './fetch-suite.ts'
import { listFiles } from './load-tests.ts'
import { differenceOf, openRestWorld } from './world.ts'
import type { Compared } from './world.ts'

const folders = process.argv.slice(2)
const progress = progressPrinter(process.stderr)
const compared: Compared[] = []
let failing = 0
let differing = 0

function write(text: string): void {
  progress.end()
  process.stdout.write(`${text}\n`)
}

function note(one: Compared): void {
  const { test, direct } = one
  compared.push(one)
  if (direct.result === 'failed') {
    failing += 1
    write(`fails directly as well, ${failing}: ${test.file}, ${test.name}: ${direct.reason ?? ''}`)
  }
  const difference = differenceOf(one)
  if (difference === undefined) return
  differing += 1
  write(`DIFFERENCE ${differing}: ${test.file}, ${test.name}: ${difference}`)
}

const count = (way: 'direct' | 'through', result: string): number =>
  compared.filter((one) => one[way].result === result).length

beginCollecting()
const world = await openRestWorld(progress.show)
const files = await listFiles(world.suite, folders.length === 0 ? undefined : folders)
try {
  for (const [number, file] of files.entries()) {
    progress.show(`${number + 1} of ${files.length}: ${file}`)
    for (const one of await world.runFile(file)) note(one)
  }
} finally {
  progress.end()
  await world.close()
}
write(
  `rest-api-spec ${SUITE_VERSION}: ${files.length} files, ${compared.length} tests, ${count('direct', 'skipped')} skipped`,
)
write(`directly: ${count('direct', 'passed')} passed, ${count('direct', 'failed')} failed`)
write(`through the gateway: ${count('through', 'passed')} passed, ${count('through', 'failed')} failed`)
write(`${compared.length - differing} the same on both ways, ${differing} different`)
process.exitCode = differing === 0 && compared.length > 0 ? 0 : 1
await scanAll()
