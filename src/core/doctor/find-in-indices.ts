import { GatewayError } from '../failure.ts'
import { memoryFieldsOf } from '../query/query-fields.ts'
import type { ClusterFacts, IndexFacts } from './facts.ts'
import { few } from './finding.ts'
import type { DoctorSettings, Finding, RemedyRequest } from './finding.ts'

/** What keeps the service identity from its work in the indices of a cluster. */
export function findInIndices(cluster: ClusterFacts, settings: DoctorSettings): readonly Finding[] {
  const about = `clusters.${cluster.name}`
  const indices = cluster.indices.filter(({ exists }) => exists)
  const masked = indices.filter(({ isMasked }) => isMasked)
  return [
    ...findMasked(masked, cluster, about),
    // Who is shown nothing is refused deletes there too: one remedy does for both.
    ...findMissingRights(
      indices.filter(({ isMasked, refused }) => !isMasked && refused.length > 0),
      cluster,
      about,
    ),
    ...indices.flatMap((index) => [...findBlocked(index, about), ...findUnavailable(index, about)]),
    ...indices.flatMap((index) => findInMapping(index, cluster, settings, about)),
  ]
}

const ADMIN_CERTIFICATE =
  'service to { kind: clientCertificate, cert, key } with a certificate whose DN is in plugins.security.authcz.admin_dn'

function findMasked(masked: readonly IndexFacts[], { identity }: ClusterFacts, about: string): readonly Finding[] {
  if (masked.length === 0) return []
  return [
    {
      id: 'indices-masked',
      severity: 'error',
      about: `${about}.service`,
      seen: `the cluster hides the documents of ${few(masked.map(({ index }) => index))} from the service identity${identity === undefined ? '' : ` (${identity.user})`}`,
      means:
        'protected system indices show themselves to the admin certificate alone: deletes of memories in them end in 502',
      remedy: { text: `set ${about}.${ADMIN_CERTIFICATE}` },
    },
  ]
}

const ROLE = 'memory-gateway'
const CLUSTER_RIGHTS = [
  'cluster:monitor/main',
  'cluster:monitor/health',
  'indices:data/read/mget',
  'indices:data/read/scroll',
  'indices:data/read/scroll/clear',
  'indices:data/write/bulk',
]
const INDEX_RIGHTS = [
  'indices:data/read/*',
  'indices:data/write/bulk*',
  'indices:data/write/delete',
  'indices:monitor/*',
  'indices:admin/mappings/get',
  'indices:admin/refresh*',
  'indices:admin/delete',
  'indices:admin/resolve/index',
]

function findMissingRights(
  short: readonly IndexFacts[],
  { identity, containerIndex }: ClusterFacts,
  about: string,
): readonly Finding[] {
  if (short.length === 0) return []
  const refused = [...new Set(short.flatMap((index) => index.refused))]
  const isProtected = short.some(({ index }) => index.startsWith('.'))
  const user = identity?.user
  const requests: readonly RemedyRequest[] = [
    {
      method: 'PUT',
      path: `/_plugins/_security/api/roles/${ROLE}`,
      body: {
        cluster_permissions: CLUSTER_RIGHTS,
        index_permissions: [{ index_patterns: [containerIndex, '*-memory-*'], allowed_actions: INDEX_RIGHTS }],
      },
    },
    { method: 'PUT', path: `/_plugins/_security/api/rolesmapping/${ROLE}`, body: { users: [user] } },
  ]
  return [
    {
      id: 'rights-missing',
      severity: 'error',
      about: `${about}.service`,
      seen: `the service identity${user === undefined ? '' : ` (${user})`} is refused ${refused.join(', ')} in ${few(short.map(({ index }) => index))}`,
      means: 'deletes of memories in them end in 502',
      remedy:
        isProtected || user === undefined
          ? { text: `no role gives rights in system indices: set ${about}.${ADMIN_CERTIFICATE}` }
          : { text: `give ${user} a role with the rights that the gateway needs`, requests },
    },
  ]
}

/** Taken away one by one: a block that is there refuses all changes of settings but that of its own alone (`TransportUpdateSettingsAction.checkBlock`). */
const BLOCKS = ['index.blocks.read_only', 'index.blocks.read_only_allow_delete', 'index.blocks.write']

function findBlocked({ index, blocked }: IndexFacts, about: string): readonly Finding[] {
  if (blocked === undefined) return []
  const path = `/${encodeURIComponent(index)}/_settings`
  return [
    {
      id: 'index-blocked',
      severity: 'error',
      about: `${about}, index ${index}`,
      seen: `the cluster blocks writes: ${blocked}`,
      means: 'no memory in it can be deleted: callers get 502',
      remedy: {
        text: 'free disk space where the cluster set the block for want of it; then take the block away',
        requests: BLOCKS.map((block) => ({ method: 'PUT', path, body: { [block]: null } })),
      },
    },
  ]
}

function findUnavailable({ index, unavailable }: IndexFacts, about: string): readonly Finding[] {
  if (unavailable === undefined) return []
  return [
    {
      id: 'index-unavailable',
      severity: 'error',
      about: `${about}, index ${index}`,
      seen: `a delete in it could not be tried: ${unavailable}`,
      means: 'memories in it cannot be deleted now: callers get 502 or 504',
      remedy: {
        text: 'bring its primary shard back: GET _cluster/allocation/explain says what keeps it from being assigned',
      },
    },
  ]
}

function findInMapping(
  { index, mappings }: IndexFacts,
  { containerIndex }: ClusterFacts,
  { policy }: DoctorSettings,
  about: string,
): readonly Finding[] {
  if (mappings === undefined || index === containerIndex) return []
  try {
    memoryFieldsOf(index, mappings, policy, false)
    return []
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const fields = ['memory_container_id', ...policy.ownership.fields].filter((field) => isPlainText(mappings, field))
    const properties = Object.fromEntries(fields.map((field) => [field, KEYWORD_BESIDE_TEXT]))
    const path = `/${encodeURIComponent(index)}`
    return [
      {
        id: 'mapping-unsuitable',
        severity: 'warning',
        about: `${about}, index ${index}`,
        seen: error.message.split(';')[0] ?? '',
        means: 'deletes by query and searches in it are refused with 400; deletes of single memories work',
        remedy:
          fields.length === 0
            ? { text: 'map the field as keyword in a new index, and reindex into it' }
            : {
                text: `give ${fields.join(', ')} a keyword sub-field, and index the memories anew`,
                requests: [
                  { method: 'PUT', path: `${path}/_mapping`, body: { properties } },
                  { method: 'POST', path: `${path}/_update_by_query?conflicts=proceed&refresh=true`, body: {} },
                ],
              },
      },
    ]
  }
}

const KEYWORD_BESIDE_TEXT = { type: 'text', fields: { keyword: { type: 'keyword' } } }

/** A top-level text field without anything beside it: a sub-field can be added to it. */
function isPlainText(mappings: unknown, field: string): boolean {
  const properties = (mappings as { readonly properties?: Readonly<Record<string, unknown>> } | undefined)?.properties
  const mapped = properties?.[field] as { readonly type?: unknown; readonly fields?: unknown } | undefined
  return mapped?.type === 'text' && mapped.fields === undefined
}
