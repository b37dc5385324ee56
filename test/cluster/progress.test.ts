import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { DEFAULT_VERSION } from '../../src/local-cluster/versions.ts'
import { CLI } from '../support/cli.ts'
import { plainCluster } from '../support/clusters.ts'
import { collect, collectDemo } from '../support/collected.ts'
import { doctorConfig, doctorWorld } from '../support/doctor-world.ts'
import type { DoctorWorld } from '../support/doctor-world.ts'
import { CLEAR, environmentOfUsers, hasTerminal, runOnTerminal } from '../support/terminal.ts'

const COMMAND = [process.execPath, CLI]
const STARTING = `Starting OpenSearch ${process.env['OPENSEARCH_VERSION'] ?? DEFAULT_VERSION}`
/** In the order in which they are done. */
const STEPS = ['Asking the nodes of main', 'Reading the containers of main', 'Fetching the keys of the issuers']
let world: DoctorWorld
let doctor: readonly string[]

beforeAll(async () => {
  world = await doctorWorld()
  const config = join(world.folder, 'gateway.yaml')
  const cluster = { nodes: [plainCluster().url], service: { kind: 'none' as const } }
  writeFileSync(config, JSON.stringify(doctorConfig(cluster, {}, 'no-such-containers')))
  doctor = [...COMMAND, 'doctor', '--config', config]
})
afterAll(() => world.close())

async function doctorOnTerminal(options: Parameters<typeof runOnTerminal>[1]): ReturnType<typeof runOnTerminal> {
  const ended = await runOnTerminal(doctor, options)
  collect('doctor', ended.shown)
  return ended
}

const positions = (shown: string, texts: readonly string[]): readonly number[] =>
  texts.map((text) => shown.indexOf(text))

const onTerminal = hasTerminal ? describe : describe.skip

onTerminal('on a terminal', () => {
  test('doctor shows each step in one line that is drawn anew, and is gone in the end, with NO_COLOR too: it has no colours', async () => {
    const { code, shown } = await doctorOnTerminal({ env: { NO_COLOR: '1' } })
    expect(code).toBe(3)
    const drawn = positions(shown, [...STEPS.map((step) => `${CLEAR}${step}`), `${CLEAR}cluster main\r\n`])
    expect(drawn).not.toContain(-1)
    expect(drawn).toEqual(drawn.toSorted((one, other) => one - other))
    // Nothing before the report ends a line, and nothing at all sets a colour.
    expect(shown.slice(0, shown.indexOf('cluster main'))).not.toContain('\n')
    expect(shown).not.toMatch(/\u001b\[[\d;]*m/)
  })

  test('with CI=true doctor writes plain lines: a log keeps what a terminal would overwrite', async () => {
    const { shown } = await doctorOnTerminal({ env: { CI: 'true' } })
    expect(
      positions(
        shown,
        STEPS.map((step) => `${step}\r\n`),
      ),
    ).not.toContain(-1)
    expect(shown).not.toContain('\u001b')
  })

  test('demo --real says in such a line what it waits for, and Ctrl-C ends it', async () => {
    const { shown } = await runOnTerminal([...COMMAND, 'demo', '--real'], { untilShown: STARTING })
    collectDemo(shown)
    expect(shown).toContain(`${CLEAR}${STARTING}`)
    expect(shown).not.toContain(`${STARTING}\r\n`)
  })
})

test('without a terminal demo --real writes a plain line', async () => {
  const child = spawn(process.execPath, [CLI, 'demo', '--real'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environmentOfUsers(),
  })
  const closed = once(child, 'close')
  let written = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written += text
    if (written.includes(STARTING)) child.kill('SIGINT')
  })
  await closed
  collectDemo(written)
  expect(written).toBe(`${STARTING}\n`)
})
