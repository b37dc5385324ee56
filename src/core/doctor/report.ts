import { parseContainer } from '../backing-index.ts'
import { MEMORY_TYPES } from '../memory.ts'
import { indicesOf } from '../shared-indices.ts'
import type { ClusterFacts, Facts, IndexFacts, IssuerFacts, NodeFacts } from './facts.ts'
import type { Finding, Remedy } from './finding.ts'

/** Findings, and what they stand on, for machines: nothing of the containers' documents but how they name their indices. */
export function reportOf({ at, clusters, issuers, certificates }: Facts, findings: readonly Finding[]) {
  return {
    at: new Date(at).toISOString(),
    findings,
    clusters: clusters.map(({ containers, indices, ...cluster }) => ({
      ...cluster,
      containers: containers?.map(({ id, source }) => {
        const { naming, hasOwner } = parseContainer(id, source)
        const named = indicesOf(naming, MEMORY_TYPES)
        return { id, hasOwner, ...(typeof named === 'string' ? { unusable: named } : { indices: named }) }
      }),
      indices: indices.map((index) => ({ ...index, mappings: undefined })),
    })),
    issuers,
    certificates,
  }
}

/** The same in lines for people: what was seen, then what is wrong and how it is put right. */
export function wordReport(facts: Facts, findings: readonly Finding[]): string {
  const lines = [
    ...facts.clusters.flatMap(wordCluster),
    ...facts.issuers.map(wordIssuer),
    ...facts.certificates.map(
      ({ setting, certificate }) =>
        `certificate ${setting}: ${certificate.subject}, until ${dayOf(certificate.validTo)}`,
    ),
    '',
    ...findings.flatMap(wordFinding),
    wordSum(findings),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

function wordCluster(cluster: ClusterFacts): readonly string[] {
  const { name, nodes, identity, tokenDomains, unreadTokens, proxied, containers, containerIndex, indices } = cluster
  const domains = tokenDomains?.map(
    ({ name: domain, subjectKey = 'sub', rolesKey = 'none' }) =>
      `${domain} (user: ${subjectKey}, backend roles: ${rolesKey})`,
  )
  return [
    `cluster ${name}`,
    ...nodes.flatMap(wordNode),
    ...(identity === undefined
      ? []
      : [`  service identity: ${identity.user}; roles: ${identity.roles.join(', ') || 'none'}`]),
    ...(domains === undefined ? [] : [`  reads tokens by: ${domains.join(', ') || 'nothing'}`]),
    ...(proxied === undefined ? [] : [`  believes the gateway's proxy headers: ${proxied.isBelieved ? 'yes' : 'no'}`]),
    ...(unreadTokens?.kind === 'ignored' ? ['  asks nobody who they are'] : []),
    `  containers in ${containerIndex}: ${containers === undefined ? 'could not be read' : String(containers.length)}`,
    ...indices.map(wordIndex),
  ]
}

function wordNode({ node, tls, answer }: NodeFacts): readonly string[] {
  const said = {
    answered: () =>
      answer.kind === 'answered'
        ? `OpenSearch ${answer.version ?? '?'}, ${answer.name ?? '?'} of ${answer.clusterName ?? '?'}`
        : '',
    refused: () => 'refuses the service identity',
    unreachable: () => 'does not answer',
  }
  const chain = tls?.chain.map(({ subject, validTo }) => `    ${subject}, until ${dayOf(validTo)}`) ?? []
  return [`  node ${node}: ${said[answer.kind]()}${tls === undefined ? '' : `, ${tls.protocol}`}`, ...chain]
}

function wordIndex({ index, exists, documents, isMasked, refused, blocked, unavailable }: IndexFacts): string {
  if (!exists) return `  index ${index}: not there yet`
  const troubles = [
    ...(isMasked ? ['hides its documents'] : []),
    ...refused.map((work) => `refuses ${work}`),
    ...(blocked === undefined ? [] : ['blocks writes']),
    ...(unavailable === undefined ? [] : ['could not be tried']),
  ]
  const count = documents === undefined ? '' : `${String(documents)} documents; `
  return `  index ${index}: ${count}${troubles.length === 0 ? 'may be read, and deleted in' : troubles.join(', ')}`
}

function wordIssuer({ issuer, source, keys, error, clockAheadMs }: IssuerFacts): string {
  if (source === undefined) return `issuer ${issuer}: a secret of the configuration`
  const clock =
    clockAheadMs === undefined ? '' : `; its clock differs by ${String(Math.abs(Math.round(clockAheadMs / 1_000)))} s`
  return `issuer ${issuer}: ${error === undefined ? `${String(keys.length)} keys` : 'no keys'} from ${source}${clock}`
}

function wordFinding({ id, severity, about, seen, means, remedy }: Finding): readonly string[] {
  return [`${severity} ${id}: ${about}`, `  seen:   ${seen}`, `  means:  ${means}`, ...wordRemedy(remedy), '']
}

function wordRemedy({ text, settings = {}, requests = [] }: Remedy): readonly string[] {
  return [
    `  remedy: ${text}`,
    ...Object.entries(settings).map(([path, value]) => `          set ${path}: ${JSON.stringify(value)}`),
    ...requests.map(({ method, path, body }) => `          ${method} ${path} ${JSON.stringify(body)}`),
  ]
}

function wordSum(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing was found. Nothing was written.'
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const count = (of: number, what: string): string => `${String(of)} ${what}${of === 1 ? '' : 's'}`
  return `${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}. Nothing was written.`
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** Names come from clusters and certificates: none may steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
