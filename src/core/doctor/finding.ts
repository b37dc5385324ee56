import type { AccessPolicy } from '../access.ts'

/** `error`: requests fail or are decided wrongly. `warning`: they may, or some do. */
export type Severity = 'error' | 'warning'

/** One thing that is wrong, and how it is put right. */
export interface Finding {
  /** The same for the same trouble, whatever the version: for scripts. */
  readonly id: FindingId
  readonly severity: Severity
  /** What it is about: a setting, or a cluster and what is in it. */
  readonly about: string
  readonly seen: string
  readonly means: string
  readonly remedy: Remedy
}

export interface Remedy {
  readonly text: string
  /** Settings to write into the configuration, by their path, where they are known to the letter. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Requests to send to the cluster, in order, as somebody who may change it. */
  readonly requests?: readonly RemedyRequest[]
}

export interface RemedyRequest {
  readonly method: 'PUT' | 'POST'
  readonly path: string
  readonly body: unknown
}

export const FINDING_IDS = [
  'node-unreachable',
  'service-refused',
  'versions-differ',
  'clusters-differ',
  'tls-untrusted',
  'tls-wrong-name',
  'certificate-expired',
  'certificate-expires-soon',
  'indices-masked',
  'rights-missing',
  'index-blocked',
  'index-unavailable',
  'mapping-unsuitable',
  'containers-unreadable',
  'containers-share-an-index',
  'container-without-owner',
  'container-unusable',
  'subject-key-differs',
  'roles-key-differs',
  'callers-unknown',
  'domains-share-an-order',
  'tokens-challenged',
  'signing-keys-differ',
  'proxy-headers-ignored',
  'keys-unavailable',
  'keys-do-not-fit',
  'clock-skew',
] as const

export type FindingId = (typeof FINDING_IDS)[number]

/** What the operator set, as far as findings stand on it. */
export interface DoctorSettings {
  readonly issuers: readonly {
    readonly issuer: string
    readonly clockToleranceMs: number
    readonly subjectClaim: string
    readonly backendRolesClaim: string
    readonly namePrefix: string
    readonly algorithms: readonly string[]
  }[]
  readonly clusters: Readonly<
    Record<
      string,
      {
        readonly serviceKind: 'none' | 'basic' | 'bearer' | 'clientCertificate'
        readonly passThrough: 'caller' | 'proxyHeaders' | 'service'
      }
    >
  >
  readonly policy: AccessPolicy
}

/** The first few of many, for one line. */
export function few(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${String(names.length - most)} more` : shown
}
