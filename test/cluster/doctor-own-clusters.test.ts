import { dirname } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import type { ConfigInput } from '../../src/config/schema.ts'
import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import type { RunningOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { DEFAULT_VERSION } from '../../src/local-cluster/versions.ts'
import { doctorConfig, doctorWorld } from '../support/doctor-world.ts'
import type { ClusterInput, DoctorWorld } from '../support/doctor-world.ts'

// What cannot be brought to the clusters that run for all tests: two versions in one cluster. Six servers of its own: TEST_LONG=1 runs it.

const long = process.env['TEST_LONG'] === '1' ? describe : describe.skip
const START_MS = 240_000
const SERVER = { heapMegabytes: 384, isShortLived: true } as const

let world: DoctorWorld
const opened: { close(): Promise<unknown> }[] = []

beforeAll(async () => {
  world = await doctorWorld()
})
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})
afterAll(() => world.close())

async function found(config: ConfigInput): Promise<readonly (readonly [string, string])[]> {
  return (await world.findings(config)).map(({ id, severity }) => [id, severity])
}

/** Those of the security plugin that Maven Central has are for 2.19 and 3.4 only. */
const UPGRADES = [
  { kind: 'plain', from: DEFAULT_VERSION, to: '3.8.0' },
  { kind: 'secured', from: '2.19.4', to: DEFAULT_VERSION },
] as const

long('a cluster in the middle of a rolling upgrade (TEST_LONG=1)', () => {
  async function start(options: Parameters<typeof startOpenSearch>[0]): Promise<RunningOpenSearch> {
    const node = await startOpenSearch({ ...SERVER, ...options })
    opened.push({ close: () => node.stop() })
    return node
  }

  test.each(UPGRADES)(
    'versions-differ on a $kind one: a node of $to beside one of $from, until both have the same',
    async ({ kind, from, to }) => {
      const secured = kind === 'secured'
      const first = await start({ secured, version: from, membership: 'first' })
      const access = first.secured
      const how: Pick<ClusterInput, 'tls' | 'service'> =
        access === undefined
          ? { service: { kind: 'none' } }
          : {
              tls: { ca: access.ca },
              service: { kind: 'clientCertificate', cert: access.adminCert, key: access.adminKey },
            }
      const configOf = (second: RunningOpenSearch): ConfigInput =>
        doctorConfig(
          { nodes: [first.url, second.url], ...how, passThrough: { identity: 'service' } },
          {},
          'no-such-containers',
        )
      const join = (version: string, name: string): Promise<RunningOpenSearch> => {
        const credentials = access === undefined ? {} : { credentials: dirname(access.ca) }
        return start({ secured, version, membership: { name, joins: first.transport, ...credentials } })
      }
      const upgraded = await join(to, 'upgraded')
      expect(await found(configOf(upgraded))).toEqual([['versions-differ', 'warning']])
      await upgraded.stop()
      expect(await found(configOf(await join(from, 'as-before')))).toEqual([])
    },
    START_MS,
  )
})
