import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { cpuMicroseconds } from '../cpu.ts'
import { runLoad } from '../load.ts'
import type { Target } from '../load.ts'
import { isWarmUp, turnOf } from '../measurements.ts'
import type { Measurement, Suite } from '../measurements.ts'
import { expectOk, INDEX, makeContainer, seed, settingsFor, throughGateway, tokenFor } from '../memories.ts'
import { OPTIONS } from '../options.ts'
import { writeReport } from '../report.ts'
import { makeIssuer, removeIssuer, startGateway } from '../world.ts'

const SUITE: Suite = {
  name: 'deletes',
  title: 'Deletes: checked through the gateway, plain without any check, and GET + DELETE with if_seq_no by hand',
  contenders: ['gateway', 'plain DELETE', 'GET + DELETE by hand'],
  figures: [
    { name: 'throughput', unit: 'deletes/s', digits: 0, hasRatio: true },
    { name: 'p50', unit: 'ms', digits: 2, hasRatio: true },
    { name: 'p99', unit: 'ms', digits: 2, hasRatio: true },
    { name: 'cluster CPU', unit: 'us a delete', digits: 0, hasRatio: true },
    { name: 'gateway CPU', unit: 'us a delete', digits: 0, hasRatio: false },
  ],
}

/** The server's compiler needs some tens of thousands of requests of each kind before its CPU a request settles. */
const WARM_UPS = 3

export async function benchDeletes(): Promise<void> {
  const server = await startOpenSearch({ heapMegabytes: 1024, onProgress: (message) => console.error(message) })
  const issuer = await makeIssuer()
  await makeContainer(server.url)
  const gateway = await startGateway(issuer, 'gateway', settingsFor(server.url))
  const token = await tokenFor(issuer)
  const targets: Readonly<Record<string, Target>> = {
    gateway: throughGateway(gateway.url, token),
    'plain DELETE': plainDelete(server.url),
    'GET + DELETE by hand': byHand(server.url),
  }
  const measurements: Measurement[] = []
  let serial = 0
  try {
    for (let turn = 1 - WARM_UPS; turn <= OPTIONS.rounds; turn++) {
      const round = Math.max(0, turn)
      for (const callers of OPTIONS.callers ?? [1, 8, 64, 256]) {
        for (const contender of turnOf(SUITE.contenders, turn + WARM_UPS)) {
          const target = targets[contender]
          if (target === undefined) continue
          const count = countOf(contender, callers, isWarmUp(round))
          const ids = Array.from({ length: count }, () => `m${String(serial++)}`)
          await seed(server.url, ids)
          const before = { cluster: cpuMicroseconds(server.pid), gateway: cpuMicroseconds(gateway.pid) }
          const { perSecond, p50, p99 } = await runLoad(target, ids, callers)
          const clusterCpu = (cpuMicroseconds(server.pid) - before.cluster) / count
          const gatewayCpu = (cpuMicroseconds(gateway.pid) - before.gateway) / count
          const figures = { throughput: perSecond, p50, p99, 'cluster CPU': clusterCpu }
          const all = contender === 'gateway' ? { ...figures, 'gateway CPU': gatewayCpu } : figures
          const name = `${String(callers)} callers`
          console.error(`deletes ${String(round)} ${name} ${contender}`, roundedOf(all))
          if (!isWarmUp(round)) measurements.push({ suite: SUITE.name, case: name, contender, round, figures: all })
        }
      }
    }
  } finally {
    await gateway.stop()
    await server.stop()
    removeIssuer(issuer)
  }
  console.log(writeReport(SUITE, measurements))
}

/** Sixty-four deletes through the gateway are two requests to the server, and compilers count requests. */
function countOf(contender: string, callers: number, isWarmingUp: boolean): number {
  if (callers === 1) return Math.ceil(OPTIONS.deletes / 8)
  return OPTIONS.deletes * (isWarmingUp && contender === 'gateway' ? 4 : 1)
}

function roundedOf(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value.toFixed(1)}`)
    .join(', ')
}

function plainDelete(origin: string): Target {
  return {
    origin,
    runOne: async (pool, id) => {
      await expectOk(pool, 'DELETE', `/${INDEX}/_doc/${id}`, {})
    },
  }
}

/** What the gateway guarantees, without it: read who owns the memory, and delete exactly what was read. */
function byHand(origin: string): Target {
  return {
    origin,
    async runOne(pool, id) {
      const source = '_source_includes=memory_container_id,owner_id'
      const found = (await expectOk(pool, 'GET', `/${INDEX}/_doc/${id}?${source}`, {})) as {
        _seq_no: number
        _primary_term: number
      }
      const condition = `if_seq_no=${String(found._seq_no)}&if_primary_term=${String(found._primary_term)}`
      await expectOk(pool, 'DELETE', `/${INDEX}/_doc/${id}?${condition}`, {})
    },
  }
}
