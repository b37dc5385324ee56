import { isObject, javaText } from './json.ts'
import type { Json } from './json.ts'
import type { Sender } from './send.ts'

/** Removes all that a test can have left on a cluster: it must be one of the tests' own. */
export async function wipeCluster(sender: Sender): Promise<void> {
  const ask = async (method: string, path: string, body?: string): Promise<Json | undefined> =>
    (await sender.send({ method, path, body, contentType: body === undefined ? undefined : 'application/json' })).body
  const parts = [
    'metadata.indices.*.state',
    ...['templates', 'index_template', 'component_template', 'data_stream', 'repositories', 'ingest'],
    ...['search_pipeline', 'stored_scripts', 'view', 'decommissionedAttribute', 'weighted_shard_routing'],
  ]
  const filter = parts.map((part) => (part.includes('.') ? part : `metadata.${part}`)).join(',')
  const [state, settings] = await Promise.all([
    ask('GET', `/_cluster/state/metadata?filter_path=${filter},metadata.cluster_coordination.voting_config_exclusions`),
    ask('GET', '/_cluster/settings?flat_settings=true'),
    ask('DELETE', '/_search/scroll/_all'),
    ask('DELETE', '/_search/point_in_time/_all'),
  ])
  const metadata = isObject(state) && isObject(state['metadata']) ? state['metadata'] : {}
  for (const repository of namesIn(metadata['repositories'])) {
    await ask('DELETE', `/_snapshot/${repository}/*`)
    await ask('DELETE', `/_snapshot/${repository}`)
  }
  if (namesIn(metadata['data_stream'], 'data_stream').length > 0) await ask('DELETE', '/_data_stream/*')
  if (namesIn(metadata['indices']).length > 0) await ask('DELETE', '/*?expand_wildcards=all')
  for (const name of namesIn(metadata['index_template'], 'index_template'))
    await ask('DELETE', `/_index_template/${encodeURIComponent(name)}`)
  for (const name of namesIn(metadata['component_template'], 'component_template'))
    await ask('DELETE', `/_component_template/${encodeURIComponent(name)}`)
  for (const name of namesIn(metadata['templates'])) await ask('DELETE', `/_template/${encodeURIComponent(name)}`)
  for (const id of idsIn(metadata['ingest'])) await ask('DELETE', `/_ingest/pipeline/${encodeURIComponent(id)}`)
  for (const id of idsIn(metadata['search_pipeline']))
    await ask('DELETE', `/_search/pipeline/${encodeURIComponent(id)}`)
  for (const id of namesIn(metadata['stored_scripts'])) await ask('DELETE', `/_scripts/${encodeURIComponent(id)}`)
  if (metadata['cluster_coordination'] !== undefined)
    await ask('DELETE', '/_cluster/voting_config_exclusions?wait_for_removal=false')
  await resetSettings(ask, settings)
}

async function resetSettings(
  ask: (method: string, path: string, body?: string) => Promise<Json | undefined>,
  settings: Json | undefined,
): Promise<void> {
  if (!isObject(settings)) return
  const names = ['persistent', 'transient'].flatMap((scope) => namesIn(settings[scope]))
  if (names.length === 0) return
  const none = Object.fromEntries(names.map((name) => [name, null]))
  await ask('PUT', '/_cluster/settings', JSON.stringify({ persistent: none, transient: none }))
}

function namesIn(value: Json | undefined, inner?: string): string[] {
  const found = inner !== undefined && isObject(value) ? value[inner] : value
  return isObject(found) ? Object.keys(found) : []
}

/** Pipelines are a list of objects with an id. */
function idsIn(value: Json | undefined): string[] {
  const pipelines = isObject(value) ? (value['pipeline'] ?? value['search_pipeline']) : undefined
  return Array.isArray(pipelines)
    ? pipelines.map((pipeline) => (isObject(pipeline) ? javaText(pipeline['id']) : ''))
    : []
}
