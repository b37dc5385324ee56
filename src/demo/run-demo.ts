import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openLocalIssuer } from '../auth/local-issuer.ts'
import { parseConfig } from '../config/load.ts'
import { createLog } from '../ops/log.ts'
import { checkConfig } from '../check-config.ts'
import { startGateway } from '../server.ts'
import { openDemoCluster } from './demo-cluster.ts'
import type { DemoCluster } from './demo-cluster.ts'
import { makeSample } from './sample-memories.ts'
import type { Sample } from './sample-memories.ts'

export interface DemoOptions {
  readonly once: boolean
  readonly real: boolean
  readonly cluster?: string
  readonly port: number
}

const ISSUER = 'https://demo.memory-gateway.local'
const AUDIENCE = 'memory-gateway'

/** Runs the gateway in front of a store with some memories, deletes one in each dialect, and stays until Ctrl-C. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const cleanups: (() => Promise<void>)[] = []
  try {
    const cluster = await openDemoCluster(options, say)
    cleanups.push(() => cluster.close())
    const sample = makeSample(`memory-gateway-demo-${randomBytes(3).toString('hex')}`, Date.now())
    cleanups.push(() => cluster.removeIndices(sample.indices))
    await cluster.write(sample.documents)

    const folder = await mkdtemp(join(tmpdir(), 'memory-gateway-demo-'))
    cleanups.push(() => rm(folder, { recursive: true, force: true }))
    const issuer = await openLocalIssuer(folder, { issuer: ISSUER, create: true })
    const token = await issuer.sign({
      subject: 'alice',
      scopes: ['memory:delete'],
      audience: AUDIENCE,
      ttlMs: 24 * 3_600_000,
      extraClaims: { memory_container: sample.alicesContainer },
    })

    const config = parseConfig(configText(options, cluster, sample), join(folder, 'gateway.yaml'), {
      env: {},
      check: checkConfig,
    })
    const gateway = await startGateway(config, createLog('warn'))
    cleanups.push(() => gateway.close())
    say(`Gateway:     ${gateway.url}\nOps port:    ${gateway.opsUrl}/readyz\nCluster:     ${cluster.url}`)
    say(`\nA token of alice, good for a day, with the scope memory:delete:\n${token}\n`)

    const path = `/_plugins/_ml/memory_containers/${sample.alicesContainer}/memories`
    await showDelete('OpenSearch dialect', gateway.url, `${path}/working/alice-working-1`, token)
    await showDelete('MemoryPlugin dialect', gateway.url, '/api/memories/alice-long-term-1', token)
    if (options.once) return

    say(pasteLines(gateway.url, path, token))
    await stopped()
    say('\nStopping.')
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
  }
}

function configText(options: DemoOptions, cluster: DemoCluster, sample: Sample): string {
  return `
listen: { port: ${String(options.port)} }
ops: { port: 0 }
auth:
  issuers:
    - { issuer: ${ISSUER}, audience: ${AUDIENCE}, algorithms: [ES256], jwks: { file: jwks.json } }
clusters:
  demo: { nodes: [${JSON.stringify(cluster.url)}], service: ${JSON.stringify(cluster.service)} }
memory: { containerIndex: ${sample.containerIndex} }
log: { level: warn }
`
}

async function showDelete(title: string, url: string, path: string, token: string): Promise<void> {
  const response = await fetch(`${url}${path}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } })
  const body = await response.text()
  say(`${title}\n  DELETE ${path}\n  ${String(response.status)} ${response.statusText}\n  ${body}\n`)
  if (response.status !== 200) throw new Error(`The demo's own delete was answered ${String(response.status)}`)
}

function pasteLines(url: string, path: string, token: string): string {
  const curl = (target: string): string => `  curl -i -X DELETE -H "Authorization: Bearer $TOKEN" ${url}${target}`
  return [
    'Try it yourself:',
    `  TOKEN=${token}`,
    `${curl(`${path}/sessions/alice-sessions-1`)}\n      # alice's own: 200`,
    `${curl('/api/memories/alice-history-1')}\n      # the same, for MemoryPlugin apps: {"message":"Memory deleted"}`,
    `${curl(`${path}/working/bob-working-1`)}\n      # bob's memory through alice's container, in the same index: 404, and it stays`,
    `${curl(`${path.replace('alice', 'bob')}/working/bob-working-1`)}\n      # bob's container: 403`,
    `  curl -i -X DELETE ${url}${path}/working/alice-working-2\n      # no token: 401`,
    '\nCtrl-C ends it.',
  ].join('\n')
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    // A listener for signals does not keep a process alive; the listening gateway does.
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
