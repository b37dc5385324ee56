import type { CertificateFacts, ClusterFacts, Facts, NodeFacts } from './facts.ts'
import { few } from './finding.ts'
import type { DoctorSettings, Finding } from './finding.ts'

const DAY_MS = 86_400_000
/** Long enough to get a new certificate signed. */
const SOON_MS = 14 * DAY_MS

/** What is wrong with the nodes of a cluster, the way to them, and who may ask them. */
export function findInNodes(cluster: ClusterFacts, { clusters }: DoctorSettings, at: number): readonly Finding[] {
  const { name, nodes } = cluster
  const about = `clusters.${name}`
  const isDown = nodes.every(({ answer }) => answer.kind === 'unreachable')
  const kind = clusters[name]?.serviceKind ?? 'none'
  return [
    ...nodes.flatMap((node) => [
      ...findUnreachable(node, about, isDown),
      ...findRefused(node, about, kind),
      ...findInTls(node, about, at),
    ]),
    ...findDifferences(cluster, about),
  ]
}

function findUnreachable({ node, tls, answer }: NodeFacts, about: string, isDown: boolean): readonly Finding[] {
  // Then the certificate is what keeps the gateway from asking.
  const isOfTls = tls !== undefined && (tls.untrusted !== undefined || tls.isForAnotherName)
  if (answer.kind !== 'unreachable' || isOfTls) return []
  return [
    {
      id: 'node-unreachable',
      severity: isDown ? 'error' : 'warning',
      about: `${about}.nodes`,
      seen: `${node} does not answer: ${answer.why}`,
      means: isDown
        ? 'no request for this cluster can be answered'
        : 'the other nodes carry its load; the gateway leaves it out until it answers',
      remedy: {
        text: `start the node, let this machine reach it (address, port, http or https, firewall), or take it out of ${about}.nodes`,
      },
    },
  ]
}

function findRefused({ node, answer }: NodeFacts, about: string, kind: string): readonly Finding[] {
  if (answer.kind !== 'refused') return []
  return [
    {
      id: 'service-refused',
      severity: 'error',
      about: `${about}.service`,
      seen: `${node} answers ${String(answer.status)} to the service identity (${kind})`,
      means: 'the gateway can make no delete on it: callers get 502',
      remedy: {
        text:
          kind === 'none'
            ? `the cluster asks for credentials: set ${about}.service to { kind: clientCertificate, cert, key } with the admin certificate, or to { kind: basic, username, password }`
            : `correct the credentials under ${about}.service, or make the cluster know them`,
      },
    },
  ]
}

function findInTls({ node, tls }: NodeFacts, about: string, at: number): readonly Finding[] {
  if (tls === undefined) return []
  const [own] = tls.chain
  const root = tls.chain.at(-1)
  const findings: Finding[] = []
  // A chain that is out of date is named as such below.
  if (tls.untrusted !== undefined && !/EXPIRED|NOT_YET/.test(tls.untrusted)) {
    findings.push({
      id: 'tls-untrusted',
      severity: 'error',
      about: `${about}.tls.ca`,
      seen: `${node} shows a certificate that is not trusted (${tls.untrusted}), issued by ${own?.issuer ?? 'nobody'}`,
      means: 'the gateway does not connect to it',
      remedy: { text: `set ${about}.tls.ca to a PEM file of the authority ${root?.issuer ?? 'that issued it'}` },
    })
  }
  if (tls.isForAnotherName) {
    findings.push({
      id: 'tls-wrong-name',
      severity: 'error',
      about: `${about}.nodes`,
      seen: `${node} shows a certificate for other names: ${tls.names}`,
      means: 'the gateway does not connect to it',
      remedy: {
        text: `write the node in ${about}.nodes under one of these names, or give it a certificate with the name it has there`,
      },
    })
  }
  return [
    ...findings,
    ...tls.chain.flatMap((certificate) => findInCertificate(certificate, `the chain of ${node}`, at)),
  ]
}

/** What is wrong with the times of a certificate. */
export function findInCertificate(certificate: CertificateFacts, where: string, at: number): readonly Finding[] {
  const { subject, validFrom, validTo } = certificate
  const isOver = at >= validTo || at < validFrom
  if (!isOver && at < validTo - SOON_MS) return []
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10)
  const days = Math.floor((validTo - at) / DAY_MS)
  return [
    {
      id: isOver ? 'certificate-expired' : 'certificate-expires-soon',
      severity: isOver ? 'error' : 'warning',
      about: where,
      seen: `the certificate ${subject} is good from ${day(validFrom)} to ${day(validTo)}${isOver ? '' : `: ${String(days)} more days`}`,
      means: isOver ? 'connections that stand on it fail' : 'connections that stand on it will fail from then on',
      remedy: { text: 'put a renewed certificate in its place' },
    },
  ]
}

export function findInCertificates({ certificates, at }: Facts): readonly Finding[] {
  return certificates.flatMap(({ setting, certificate }) => findInCertificate(certificate, setting, at))
}

function findDifferences({ nodes }: ClusterFacts, about: string): readonly Finding[] {
  const answered = nodes.flatMap(({ node, answer }) => (answer.kind === 'answered' ? [{ node, ...answer }] : []))
  const by = (key: 'version' | 'clusterId'): readonly string[] => [
    ...new Set(answered.flatMap((answer) => answer[key] ?? [])),
  ]
  if (by('clusterId').length > 1) {
    return [
      {
        id: 'clusters-differ',
        severity: 'error',
        about: `${about}.nodes`,
        seen: `the nodes are of different clusters: ${few(answered.map(({ node, clusterName, clusterId }) => `${node} of ${clusterName ?? '?'} (${clusterId ?? '?'})`))}`,
        means: 'a memory is found or not by chance, and a delete may be told as done on another cluster',
        remedy: {
          text: `list nodes of one cluster in ${about}.nodes, and give each other cluster an entry of its own`,
        },
      },
    ]
  }
  if (by('version').length < 2) return []
  return [
    {
      id: 'versions-differ',
      severity: 'warning',
      about: `${about}.nodes`,
      seen: `the nodes have different versions: ${few(answered.map(({ node, version }) => `${node} ${version ?? '?'}`))}`,
      means: 'answers can differ from node to node; in the middle of a rolling upgrade this is as it should be',
      remedy: { text: 'bring all nodes to one version' },
    },
  ]
}
