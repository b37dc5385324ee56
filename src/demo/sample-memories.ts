/** What the demo puts into a cluster: two containers that share one index prefix, and memories of every type in both. */
export interface SampleDocument {
  readonly index: string
  readonly id: string
  readonly source: Readonly<Record<string, unknown>>
}

export interface Sample {
  readonly containerIndex: string
  readonly alicesContainer: string
  readonly bobsContainer: string
  readonly indices: readonly string[]
  readonly documents: readonly SampleDocument[]
}

const TYPES = ['sessions', 'working', 'long-term', 'history'] as const
const MEMORIES_EACH = 3

/** @param prefix of every index that the sample makes: a name that nothing else uses */
export function makeSample(prefix: string, now: number): Sample {
  const containerIndex = `${prefix}-containers`
  const indexOf = (type: string): string => `${prefix}-memory-${type}`
  const people = [
    { owner: 'alice', container: 'container-of-alice' },
    { owner: 'bob', container: 'container-of-bob' },
  ] as const
  const configuration = {
    index_prefix: prefix,
    use_system_index: false,
    disable_session: false,
    disable_history: false,
  }
  const containers = people.map(({ owner, container }) => ({
    index: containerIndex,
    id: container,
    source: {
      name: container,
      owner: { name: owner, backend_roles: [] },
      created_time: now,
      last_updated_time: now,
      configuration,
    },
  }))
  const memories = people.flatMap(({ owner, container }) =>
    TYPES.flatMap((type) =>
      Array.from({ length: MEMORIES_EACH }, (_, position) => ({
        index: indexOf(type),
        id: `${owner}-${type}-${String(position + 1)}`,
        source: {
          memory_container_id: container,
          owner_id: owner,
          namespace: { user_id: owner },
          ...textOf(type, owner, now),
        },
      })),
    ),
  )
  return {
    containerIndex,
    alicesContainer: people[0].container,
    bobsContainer: people[1].container,
    indices: [containerIndex, ...TYPES.map(indexOf)],
    documents: [...containers, ...memories],
  }
}

function textOf(type: (typeof TYPES)[number], owner: string, now: number): Readonly<Record<string, unknown>> {
  switch (type) {
    case 'sessions':
      return { summary: `A talk with ${owner}`, created_time: now, last_updated_time: now }
    case 'working':
      return {
        payload_type: 'conversational',
        messages: [{ role: 'user', content: [{ type: 'text', text: 'I like swimming.' }] }],
        created_time: now,
        last_updated_time: now,
      }
    case 'long-term':
      return { memory: `${owner} likes swimming`, strategy_type: 'SEMANTIC', created_time: now, last_updated_time: now }
    case 'history':
      return { action: 'ADD', after: { memory: `${owner} likes swimming` }, created_time: now }
  }
}
