import { parseAllDocuments } from 'yaml'

import { runTool } from '../tools/prepare-tool.ts'
import type { Program } from '../tools/prepare-tool.ts'

/** What the chart becomes. Only what the tests look at has a type. */
export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> }
  readonly data?: Record<string, string>
  readonly automountServiceAccountToken?: boolean
  readonly spec?: unknown
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

export interface PodSpec {
  readonly automountServiceAccountToken: boolean
  readonly serviceAccountName: string
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: Record<string, unknown>
  readonly containers: readonly [
    {
      readonly image: string
      readonly args: readonly string[]
      readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
      readonly startupProbe: Probe
      readonly livenessProbe: Probe
      readonly readinessProbe: Probe
      readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
      readonly securityContext: Record<string, unknown>
      readonly resources: Record<string, unknown>
      readonly volumeMounts: readonly {
        readonly name: string
        readonly mountPath: string
        readonly readOnly?: boolean
      }[]
    },
  ]
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[]
  readonly topologySpreadConstraints?: readonly { readonly labelSelector: { readonly matchLabels: unknown } }[]
}

export interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas?: number
    readonly selector: { readonly matchLabels: Record<string, string> }
    readonly strategy: unknown
    readonly template: {
      readonly metadata: {
        readonly labels: Record<string, string>
        readonly annotations: Record<string, string> | null
      }
      readonly spec: PodSpec
    }
  }
}

/** The manifests of a release "gw", by kind; the chart makes one of each at most. */
export async function render(helm: Program, chart: string, args: readonly string[]): Promise<Map<string, Manifest>> {
  const text = await runTool(helm, ['template', 'gw', chart, '--namespace', 'memory', ...args])
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest)
  const byKind = new Map(manifests.map((manifest) => [manifest.kind, manifest]))
  if (byKind.size !== manifests.length) throw new Error('two manifests of one kind')
  return byKind
}
