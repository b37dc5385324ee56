import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { parse } from 'yaml'

import { FIXED } from '../../../src/config/need-restart.ts'
import { parseDuration } from '../../../src/config/scalars.ts'
import { makeCertificates } from '../../../src/local-cluster/certificates.ts'
import { findTool, runTool } from '../tools/prepare-tool.ts'
import { render } from './render.ts'
import type { Deployment, Manifest, PodSpec } from './render.ts'

const ROOT = join(import.meta.dirname, '../../..')
const CHART = join(ROOT, 'deploy/helm/memory-gateway')
const SECRETS = '/etc/memory-gateway-secrets'
const helm = await findTool('helm')
const kubernetes = await findTool('kubernetes-validate')
const values = readdirSync(join(CHART, 'ci')).map(
  (file) => [file.replace('-values.yaml', ''), join(CHART, 'ci', file)] as const,
)

test('the chart is of the version of the gateway that it starts', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({ appVersion: version })
})

const withHelm = helm === undefined ? describe.skip : describe

withHelm.each(values)('the chart with the values "%s"', (name, path) => {
  if (helm === undefined) return
  let manifests: Map<string, Manifest>
  let folder: string
  const deployment = (): Deployment => manifests.get('Deployment') as Deployment
  const pod = (): PodSpec => deployment().spec.template.spec
  const config = (): Config => parse(manifests.get('ConfigMap')?.data?.['gateway.yaml'] ?? '') as Config

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'memory-gateway-helm-'))
    manifests = await render(helm, CHART, ['--values', path])
  }, 60_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('passes helm lint', async () => {
    expect(await runTool(helm, ['lint', '--strict', CHART, '--values', path])).toContain('0 chart(s) failed')
  })

  const withSchemas = kubernetes === undefined ? test.skip : test
  withSchemas('becomes what Kubernetes takes, field by field', async () => {
    const file = join(folder, 'manifests.yaml')
    // Not a kind of Kubernetes' own: its operator brings the schema.
    const own = [...manifests.values()].filter(({ kind }) => kind !== 'ServiceMonitor')
    writeFileSync(file, own.map((manifest) => JSON.stringify(manifest)).join('\n---\n'))
    const said = await runTool(kubernetes ?? ['false'], ['--strict', '--no-warn', file])
    expect(said.match(/passed for resource/g)).toHaveLength(own.length)
  })

  test('starts with a configuration that the gateway takes', async () => {
    expect(await checkAsGatewayDoes(manifests.get('ConfigMap')?.data ?? {}, folder)).toMatch(/is good\n$/)
  })

  test('may not do or write anything', () => {
    expect(pod().securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(pod().containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(pod().automountServiceAccountToken).toBe(false)
    expect(manifests.get('ServiceAccount')?.automountServiceAccountToken ?? false).toBe(false)
    expect(pod().containers[0].resources).toHaveProperty('limits.memory')
  })

  test('is the user of the image', () => {
    const user = /^USER (\d+):/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1]
    expect(String(pod().securityContext['runAsUser'])).toBe(user)
  })

  test('has the ports of its configuration everywhere, and probes on the ops port', () => {
    const { listen, ops } = config()
    expect([listen.host, ops.host]).toEqual(['0.0.0.0', '0.0.0.0'])
    const [container] = pod().containers
    expect(Object.fromEntries(container.ports.map((port) => [port.name, port.containerPort]))).toEqual({
      http: listen.port,
      ops: ops.port,
    })
    expect(manifests.get('Service')?.spec).toMatchObject({
      ports: [
        { name: 'http', port: listen.port, targetPort: 'http' },
        { name: 'ops', port: ops.port, targetPort: 'ops' },
      ],
    })
    expect(container.startupProbe.httpGet).toEqual({ path: '/livez', port: 'ops' })
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'ops' })
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'ops' })
  })

  test('selects its own gateways wherever it selects', () => {
    const labels = deployment().spec.template.metadata.labels
    const selectors = [...manifests.values()].flatMap((manifest) => [...selectorsOf(manifest.spec)])
    expect(selectors.length).toBeGreaterThan(1)
    for (const selector of selectors) expect(labels).toMatchObject(selector)
  })

  test('gives a gateway that stops the time that it needs', () => {
    const { seconds } = pod().containers[0].lifecycle.preStop.sleep
    const drain = parseDuration(config().limits?.drain ?? '30s') ?? 0
    expect(pod().terminationGracePeriodSeconds).toBeGreaterThan(seconds + drain / 1000)
    expect(deployment().spec.strategy).toMatchObject({ rollingUpdate: { maxUnavailable: 0 } })
  })

  test('mounts the configuration as a folder, so that a changed ConfigMap gets there, and every secret that it names', () => {
    const mounts = pod().containers[0].volumeMounts
    expect(mounts[0]).toEqual({ name: 'config', mountPath: '/etc/memory-gateway', readOnly: true })
    const named = new Set(JSON.stringify(config()).match(/\/etc\/memory-gateway-secrets\/[^/"]+/g))
    expect(
      mounts
        .map(({ mountPath }) => mountPath)
        .filter((path) => path.startsWith(SECRETS))
        .sort(),
    ).toEqual([...named].sort())
    const volumes = pod().volumes.map((volume) => volume.name)
    expect(mounts.every((mount) => volumes.includes(mount.name))).toBe(true)
  })

  test.each(['templates', 'schema'])('is kept from a release that nobody meant: %s', async (by) => {
    const wrong = by === 'schema' ? ['--set', 'replica=3'] : ['--set', 'config.clusters=null']
    const reason = by === 'schema' ? /replica/ : /set config\.clusters/
    await expect(render(helm, CHART, ['--values', path, ...wrong])).rejects.toThrow(reason)
  })

  test('has what the values ask for', () => {
    expect([...manifests.keys()].sort()).toEqual(KINDS[name])
  })
})

withHelm('a changed configuration', () => {
  const annotationsWith = async (...args: string[]): Promise<unknown> => {
    const path = join(CHART, 'ci/basic-values.yaml')
    const manifests = await render(helm ?? ['false'], CHART, ['--values', path, ...args])
    return (manifests.get('Deployment') as Deployment).spec.template.metadata.annotations
  }

  const rolls = async (change: string, ...args: string[]): Promise<boolean> => {
    const both = [annotationsWith(...args), annotationsWith(...args, '--set', change)]
    const [one, other] = await Promise.all(both)
    return JSON.stringify(one) !== JSON.stringify(other)
  }

  test('is left to the gateways, who read it by themselves', async () => {
    expect(await rolls('config.log.level=warn')).toBe(false)
  })

  test('rolls the gateways where they read it at a start only', async () => {
    const settings = [...FIXED.map((path) => path.join('.')), 'audit.file']
    const before = JSON.stringify(await annotationsWith())
    const after = await Promise.all(settings.map((setting) => annotationsWith('--set', `config.${setting}=1`)))
    expect(settings.filter((_, position) => JSON.stringify(after[position]) === before)).toEqual([])
  })

  test('rolls the gateways, one by one, where the values say so', async () => {
    expect(await rolls('config.log.level=warn', '--set', 'reload=restart')).toBe(true)
  })
})

const KINDS: Readonly<Record<string, readonly string[]>> = {
  basic: ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount'],
  secured: [
    'ConfigMap',
    'Deployment',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'Service',
    'ServiceAccount',
    'ServiceMonitor',
  ],
  scaled: ['ConfigMap', 'Deployment', 'HorizontalPodAutoscaler', 'Service'],
}

interface Config {
  readonly listen: { readonly host: string; readonly port: number }
  readonly ops: { readonly host: string; readonly port: number }
  readonly limits?: { readonly drain?: string }
}

function* selectorsOf(value: unknown): Generator<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) {
    // Of other pods: those that may call, and those that are called.
    if (key === 'from' || key === 'to') continue
    // A Service has its labels right there.
    const labels = key === 'matchLabels' || (key === 'selector' && !('matchLabels' in (item as object)))
    if (labels) yield item as Record<string, string>
    else yield* selectorsOf(item)
  }
}

/** `memory-gateway check` of the ConfigMap, laid out in a folder of ours with made-up secrets. */
async function checkAsGatewayDoes(data: Readonly<Record<string, string>>, folder: string): Promise<string> {
  const secrets = join(folder, 'secrets')
  const { ca, node, admin } = await makeCertificates(join(secrets, 'made'))
  const laidOut = {
    'admin/ca.crt': ca,
    'admin/tls.crt': admin.cert,
    'admin/tls.key': admin.key,
    'server/tls.crt': node.cert,
    'server/tls.key': node.key,
  }
  for (const name of ['admin', 'server', 'ops']) mkdirSync(join(secrets, name))
  for (const [path, made] of Object.entries(laidOut)) copyFileSync(made, join(secrets, path))
  writeFileSync(join(secrets, 'ops/token'), 'made-up-for-a-test')
  for (const [name, text] of Object.entries(data)) writeFileSync(join(folder, name), text.replaceAll(SECRETS, secrets))
  const check = [join(ROOT, 'src/cli.ts'), 'check', '--config', join(folder, 'gateway.yaml')]
  return runTool([process.execPath], check, { OPENSEARCH_PASSWORD: 'made-up', VALKEY_PASSWORD: 'made-up' })
}
