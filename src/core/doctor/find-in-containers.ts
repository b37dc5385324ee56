import { parseContainer } from '../backing-index.ts'
import { MEMORY_TYPES } from '../memory.ts'
import { indicesOf, sharesAnyOf } from '../shared-indices.ts'
import type { StoredContainer } from '../shared-indices.ts'
import type { ClusterFacts } from './facts.ts'
import { few } from './finding.ts'
import type { DoctorSettings, Finding } from './finding.ts'

/** What is wrong with the memory containers of a cluster. */
export function findInContainers(cluster: ClusterFacts, { policy }: DoctorSettings): readonly Finding[] {
  const { containers, containerIndex, name } = cluster
  const about = `clusters.${name}`
  if (containers === undefined) return findUnreadable(cluster, about)
  return [
    ...findUnusable(containers, containerIndex, about),
    ...findShared(containers, about),
    ...(policy.containersWithoutOwner === 'allow' ? findOwnerless(containers, about) : []),
  ]
}

function findUnreadable({ containerIndex, indices, nodes }: ClusterFacts, about: string): readonly Finding[] {
  const itself = indices.find(({ index }) => index === containerIndex)
  const isExplained = itself !== undefined && (itself.isMasked || itself.refused.length > 0)
  if (isExplained || !nodes.some(({ answer }) => answer.kind === 'answered')) return []
  return [
    {
      id: 'containers-unreadable',
      severity: 'error',
      about: `${about}, index ${containerIndex}`,
      seen: 'the containers could not be read whole',
      means: 'what the containers say was not looked at, and deletes of memories may fail',
      remedy: {
        text: `bring the shards of ${containerIndex} back: GET _cluster/allocation/explain says what is wrong`,
      },
    },
  ]
}

function findUnusable(containers: readonly StoredContainer[], index: string, about: string): readonly Finding[] {
  return containers.flatMap(({ id, source }): readonly Finding[] => {
    const named = indicesOf(parseContainer(id, source).naming, MEMORY_TYPES)
    if (typeof named !== 'string') return []
    return [
      {
        id: 'container-unusable',
        severity: 'error',
        about: `${about}, container ${id}`,
        seen: `it cannot be used: ${named}`,
        means: 'every request for its memories ends in 502',
        remedy: {
          text: `correct its document in ${index}, or delete it: DELETE /_plugins/_ml/memory_containers/${id}`,
        },
      },
    ]
  })
}

/** One finding for each set of containers with an index in common. */
function findShared(containers: readonly StoredContainer[], about: string): readonly Finding[] {
  const told = new Set<string>()
  return containers.flatMap((container): readonly Finding[] => {
    const indices = indicesOf(parseContainer(container.id, container.source).naming, MEMORY_TYPES)
    if (typeof indices === 'string' || told.has(container.id)) return []
    const sharing = containers.filter((other) => sharesAnyOf(indices, other) === true)
    if (sharing.length < 2) return []
    for (const { id } of sharing) told.add(id)
    return [
      {
        id: 'containers-share-an-index',
        severity: 'warning',
        about: `${about}, containers ${few(sharing.map(({ id }) => id))}`,
        seen: `they keep their memories in the same indices: ${few(indices)}`,
        means:
          'who may use one of them can read and delete the memories of the others with the plugin itself, past the gateway; the gateway tells them apart. None of them can be deleted with its memories',
        remedy: {
          text: 'give each an index_prefix of its own: make a new container with a prefix that no other has, add its memories anew, and delete the old container without its memories',
        },
      },
    ]
  })
}

function findOwnerless(containers: readonly StoredContainer[], about: string): readonly Finding[] {
  const ownerless = containers.filter(({ id, source }) => !parseContainer(id, source).hasOwner)
  if (ownerless.length === 0) return []
  return [
    {
      id: 'container-without-owner',
      severity: 'warning',
      about: `${about}, containers ${few(ownerless.map(({ id }) => id))}`,
      seen: `${String(ownerless.length)} of ${String(containers.length)} containers name neither an owner nor backend roles`,
      means: 'every caller with the scope is admitted to them; only the owner of a memory still decides',
      remedy: {
        text: 'admit only those whose token names the container in its claim containers',
        settings: { 'memory.containersWithoutOwner': 'scope' },
      },
    },
  ]
}
