/** Which versions of the ml-commons plugin register a route, from its sources: the tags 3.4.0.0 to 3.8.0.0, and what its main branch had in August 2026. */
export interface PluginRoute {
  readonly method: string
  readonly path: string
  readonly since: '3.4' | '3.5 to 3.8' | 'after 3.8'
}

const ROOT = '/_plugins/_ml/memory_containers'
const MEMORIES = `${ROOT}/{container}/memories`

/** All of them under that prefix (the classes RestML*Memor*Action and RestMLCreateSessionAction). */
export const PLUGIN_ROUTES: readonly PluginRoute[] = [
  { method: 'POST', path: `${ROOT}/_create`, since: '3.4' },
  { method: 'GET', path: `${ROOT}/_search`, since: '3.4' },
  { method: 'POST', path: `${ROOT}/_search`, since: '3.4' },
  { method: 'GET', path: `${ROOT}/{container}`, since: '3.4' },
  { method: 'PUT', path: `${ROOT}/{container}`, since: '3.4' },
  { method: 'DELETE', path: `${ROOT}/{container}`, since: '3.4' },
  { method: 'POST', path: MEMORIES, since: '3.4' },
  { method: 'POST', path: `${MEMORIES}/sessions`, since: '3.4' },
  { method: 'GET', path: `${MEMORIES}/{type}/_search`, since: '3.4' },
  { method: 'POST', path: `${MEMORIES}/{type}/_search`, since: '3.4' },
  { method: 'POST', path: `${MEMORIES}/{type}/_delete_by_query`, since: '3.4' },
  { method: 'GET', path: `${MEMORIES}/{type}/{id}`, since: '3.4' },
  { method: 'PUT', path: `${MEMORIES}/{type}/{id}`, since: '3.4' },
  { method: 'DELETE', path: `${MEMORIES}/{type}/{id}`, since: '3.4' },
  { method: 'GET', path: `${MEMORIES}/long-term/_semantic_search`, since: '3.5 to 3.8' },
  { method: 'POST', path: `${MEMORIES}/long-term/_semantic_search`, since: '3.5 to 3.8' },
  { method: 'GET', path: `${MEMORIES}/long-term/_hybrid_search`, since: '3.5 to 3.8' },
  { method: 'POST', path: `${MEMORIES}/long-term/_hybrid_search`, since: '3.5 to 3.8' },
  { method: 'POST', path: `${ROOT}/_retention/_dry_run`, since: 'after 3.8' },
  { method: 'POST', path: `${ROOT}/_retention/_execute`, since: 'after 3.8' },
  { method: 'POST', path: `${ROOT}/{container}/_retention/_dry_run`, since: 'after 3.8' },
]

/** A path that names a container, a type and an id in place of the parameters. */
export function concretePath(path: string): string {
  return path.replace('{container}', 'some-container').replace('{type}', 'working').replace('{id}', 'some-memory')
}
