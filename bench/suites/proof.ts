import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'

import { startOpenSearch } from '../../src/local-cluster/start-opensearch.ts'
import { cpuMicroseconds } from '../cpu.ts'
import { runLoad } from '../load.ts'
import { isWarmUp, turnOf } from '../measurements.ts'
import type { Measurement, Suite } from '../measurements.ts'
import { makeContainer, seed, settingsFor, throughGateway, tokenFor } from '../memories.ts'
import { OPTIONS } from '../options.ts'
import { writeReport } from '../report.ts'
import { makeIssuer, removeIssuer, startGateway } from '../world.ts'
import type { BenchIssuer, Running } from '../world.ts'

const SUITE: Suite = {
  name: 'proof',
  title: 'A checked delete with audit and receipts, with one of them, and with neither',
  contenders: ['required audit and receipts', 'required audit', 'audit', 'receipts', 'neither'],
  figures: [
    { name: 'gateway CPU', unit: 'us a delete', digits: 0, hasRatio: true },
    { name: 'throughput', unit: 'deletes/s', digits: 0, hasRatio: true },
    { name: 'p50', unit: 'ms', digits: 2, hasRatio: true },
    { name: 'p99', unit: 'ms', digits: 2, hasRatio: true },
  ],
}

/** As in the suite of deletes. */
const WARM_UPS = 3

/** What each contender is configured with, beside what all are. */
function settingsOf(contender: string, folder: string): Readonly<Record<string, unknown>> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = join(folder, `${contender.replaceAll(' ', '-')}.log`)
  const audit = contender.includes('required')
    ? { sink: 'file', file, required: true, fsync: 'always' }
    : contender.includes('audit')
      ? { sink: 'file', file }
      : {}
  const keys = [JSON.stringify({ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' })]
  return { audit, receipts: contender.includes('receipts') ? { mode: 'on', keys } : {} }
}

export async function benchProof(): Promise<void> {
  const server = await startOpenSearch({ heapMegabytes: 1024, onProgress: (message) => console.error(message) })
  const issuer = await makeIssuer()
  const gateways = new Map<string, Running>()
  try {
    await makeContainer(server.url)
    for (const contender of SUITE.contenders) {
      const settings = { ...settingsFor(server.url), ...settingsOf(contender, issuer.folder) }
      gateways.set(contender, await startGateway(issuer, contender.replaceAll(' ', '-'), settings))
    }
    const measurements = await measure(server.url, issuer, gateways)
    console.log(writeReport(SUITE, measurements))
  } finally {
    await Promise.all([...gateways.values()].map((gateway) => gateway.stop()))
    await server.stop()
    removeIssuer(issuer)
  }
}

async function measure(
  cluster: string,
  issuer: BenchIssuer,
  gateways: ReadonlyMap<string, Running>,
): Promise<readonly Measurement[]> {
  const token = await tokenFor(issuer)
  const measurements: Measurement[] = []
  let serial = 0
  for (let turn = 1 - WARM_UPS; turn <= OPTIONS.rounds; turn++) {
    const round = Math.max(0, turn)
    for (const callers of OPTIONS.callers ?? [64]) {
      for (const contender of turnOf(SUITE.contenders, turn + WARM_UPS)) {
        const gateway = gateways.get(contender)
        if (gateway === undefined) continue
        const ids = Array.from({ length: OPTIONS.deletes }, () => `m${String(serial++)}`)
        await seed(cluster, ids)
        const before = cpuMicroseconds(gateway.pid)
        const { perSecond, p50, p99 } = await runLoad(throughGateway(gateway.url, token), ids, callers)
        const cpu = (cpuMicroseconds(gateway.pid) - before) / ids.length
        const name = `${String(callers)} callers`
        console.error(`proof ${String(round)} ${name} ${contender}: ${cpu.toFixed(0)} us, ${perSecond.toFixed(0)}/s`)
        const figures = { 'gateway CPU': cpu, throughput: perSecond, p50, p99 }
        if (!isWarmUp(round)) measurements.push({ suite: SUITE.name, case: name, contender, round, figures })
      }
    }
  }
  return measurements
}
