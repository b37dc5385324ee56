import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testMemories } from '../support/memories.ts'
import { TRANSCRIPTS } from '../vectors/transcripts.ts'
import { CONTAINERS, INDICES } from '../vectors/transcripts/containers.ts'
import type { Caller, RecordedRequest, StoredMemory, TranscriptCase } from '../vectors/transcripts/shape.ts'
import { ask } from './ask.ts'
import type { AskedAnswer } from './ask.ts'

/** A real cluster in the state of the recordings, under index names of its own, with a gateway in front. */
export interface RecordedWorld {
  /** Seeds what the case needs, runs what came before it, and asks: by another caller where one is given. The answer speaks of the recording's indices. */
  run(one: TranscriptCase, caller?: Caller): Promise<AskedAnswer>
  isThere(memory: StoredMemory): Promise<boolean>
  /** `X-OpenSearch-Version` of the running cluster. */
  readonly versionHeader: string
  close(): Promise<void>
}

const INDEX_NAMES = /(?<![a-z])(?=(?:acme|bogus|default|gone|lt|ms|nosess|nostrat|own|plain|sel|sessoff|sys)-memory-)/g

/** Of the plugin's own, what decides; the rest of a memory is never searched here. */
const MAPPINGS = {
  dynamic: false,
  properties: {
    owner_id: { type: 'keyword' },
    memory_container_id: { type: 'keyword' },
    namespace: { type: 'flat_object' },
  },
}

export async function openRecordedWorld(clusterUrl: string): Promise<RecordedWorld> {
  const memories = testMemories(clusterUrl)
  const ownNames = (text: string): string => text.replaceAll(INDEX_NAMES, `${memories.prefix}-`)
  const recordedNames = (text: string): string =>
    text.replaceAll(memories.containerIndex, '.plugins-ml-am-memory-container').replaceAll(`${memories.prefix}-`, '')

  async function putEverything(): Promise<void> {
    for (const [index, shards] of Object.entries({ ...INDICES, [memories.containerIndex]: 1 })) {
      const name = index === memories.containerIndex ? index : ownNames(index)
      if ((await memories.ask('GET', `/${name}/_settings`)).status === 200) continue
      // Refreshed on request only: what a search finds right after a delete must not depend on the clock.
      const settings = { number_of_shards: shards, number_of_replicas: 0, refresh_interval: '-1' }
      const mappings = index === memories.containerIndex ? {} : MAPPINGS
      const { status } = await memories.ask('PUT', `/${name}`, { settings, mappings })
      if (status !== 200) throw new Error(`${index} was not created: ${String(status)}`)
    }
    for (const { id, source } of Object.values(CONTAINERS)) {
      const index_prefix = `${memories.prefix}-${source.configuration.index_prefix}`
      await memories.putContainer(id, { ...source, configuration: { ...source.configuration, index_prefix } })
    }
  }
  await putEverything()
  let isIncomplete = false
  const start = (containerIndex: string): Promise<TestGateway> =>
    startTestGateway({ cluster: { nodes: [clusterUrl] }, memory: { containerIndex } })
  const gateway = await start(memories.containerIndex)
  const withoutContainers = await start(`${memories.prefix}-no-containers`)
  const { headers } = await ask(clusterUrl, { method: 'GET', target: '/' })

  const documentOf = ({ index, id, routing }: StoredMemory, query: string): string =>
    `/${ownNames(index)}/_doc/${id}?${query}${routing === undefined ? '' : `&routing=${routing}`}`

  async function send(baseUrl: string, request: RecordedRequest, authorization?: string): Promise<AskedAnswer> {
    const { method, target, body } = request
    const answer = await ask(baseUrl, {
      method,
      target: ownNames(target),
      headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
      body: body === undefined ? undefined : ownNames(body),
    })
    const { location } = answer.headers
    return {
      ...answer,
      headers: { ...answer.headers, ...(location === undefined ? {} : { location: recordedNames(location) }) },
      text: recordedNames(answer.text),
    }
  }

  async function run(one: TranscriptCase, caller?: Caller): Promise<AskedAnswer> {
    if (isIncomplete) await putEverything()
    isIncomplete = one.deletesContainers === true
    for (const number of one.after ?? []) await run(caseOf(number))
    if (one.empties !== undefined) {
      const everything = { query: { match_all: {} } }
      await memories.ask('POST', `/${ownNames(one.empties)}/_refresh`)
      await memories.ask('POST', `/${ownNames(one.empties)}/_delete_by_query?refresh=true`, everything)
    }
    for (const memory of one.absent ?? []) await memories.ask('DELETE', documentOf(memory, 'refresh=true'))
    for (const memory of one.memories ?? []) {
      const { status } = await memories.ask('PUT', documentOf(memory, 'refresh=true'), memory.source)
      if (status !== 200 && status !== 201) throw new Error(`${memory.id} was not stored: ${String(status)}`)
    }
    if (one.asks.kind === 'cluster') return send(clusterUrl, one.request)
    const asked = one.withoutContainers === true ? withoutContainers : gateway
    const { subject, scopes, backendRoles = [], roles = [] } = caller ?? one.asks.caller
    const token = await asked.token({ subject, scopes, extra: { backend_roles: backendRoles, roles } })
    return send(asked.url, one.request, `Bearer ${token}`)
  }

  return {
    run,
    isThere: async (memory) => (await memories.ask('GET', documentOf(memory, '_source=false'))).status === 200,
    versionHeader: String(headers['x-opensearch-version']),
    async close() {
      await Promise.all([gateway.close(), withoutContainers.close()])
      for (const index of Object.keys(INDICES)) await memories.ask('DELETE', `/${ownNames(index)}`)
      await memories.removeAll()
    },
  }
}

export function caseOf(number: string): TranscriptCase {
  const found = Object.values(TRANSCRIPTS)
    .flat()
    .find((one) => one.number === number)
  if (found === undefined) throw new Error(`there is no case ${number}`)
  return found
}
