import type { BodyKind, RouteClass } from '../../src/core/guard/decision.ts'
import type { ApiRow } from '../../src/core/guard/routes.ts'

/**
 * What each API was found to do and to reach, read from the server's sources: an API that is not in this list is `admin` and may reach
 * every index. Whoever adds a row says that nothing in the path, the query or an uninspected body of that API can touch an index that it does not name where the row says.
 */
type Review = Omit<ApiRow, 'api' | 'routes'>

const nothing = (level: RouteClass, body: BodyKind = 'none'): Review => ({ class: level, reach: 'nothing', body })

/** Names its indices; without them it means all of them. */
function named(level: RouteClass, body: BodyKind = 'none', indices: readonly string[] = ['index']): Review {
  return { class: level, reach: 'named', indices, absent: 'all', body }
}

/** Names its indices; without them it touches none. */
function atMost(level: RouteClass, body: BodyKind = 'none', indices: readonly string[] = ['index']): Review {
  return { class: level, reach: 'named', indices, absent: 'none', body }
}

export const REVIEWED_APIS: Readonly<Record<string, Review>> = {
  // What every client asks first.
  info: nothing('read'),
  ping: nothing('read'),
  'cluster.health': { ...atMost('read'), widens: { level: 'cluster' } },
  'cat.health': nothing('read'),
  'cat.help': nothing('read'),
  'list.help': nothing('read'),

  // Documents, read.
  count: named('read', 'query'),
  exists: named('read'),
  exists_source: named('read'),
  explain: named('read', 'query'),
  field_caps: named('read', 'query'),
  get: named('read'),
  get_source: named('read'),
  mget: named('read', 'mget'),
  msearch: named('read', 'msearch'),
  mtermvectors: named('read', 'mget'),
  search: named('read', 'query'),
  search_shards: named('read', 'query'),
  // Its body may name another index than its path does.
  termvectors: named('read', 'query'),
  'indices.validate_query': named('read', 'query'),
  create_pit: named('read'),
  // A scroll's and a point in time's id names what it reads; nobody can tell from it whose it is.
  scroll: nothing('read', 'opaque'),
  clear_scroll: { ...nothing('read', 'ids'), everybodys: ['scroll_id'] },
  delete_pit: { ...nothing('read', 'ids'), everybodys: ['pit_id'] },

  // Documents, written.
  bulk: named('write', 'bulk'),
  create: named('write', 'opaque'),
  delete: named('write'),
  index: named('write', 'opaque'),
  update: named('write', 'opaque'),
  delete_by_query: named('write', 'query'),
  update_by_query: named('write', 'query'),
  'indices.refresh': named('write'),
  'indices.flush': named('write'),

  // Indices, looked at.
  'cat.aliases': named('read', 'none', ['name']),
  'cat.count': named('read'),
  'cat.indices': named('read'),
  'cat.recovery': named('read'),
  'cat.segment_replication': named('read'),
  'cat.segments': named('read'),
  'cat.shards': named('read'),
  'list.indices': named('read'),
  'list.shards': named('read'),
  'indices.analyze': atMost('read', 'opaque'),
  'indices.data_streams_stats': named('read', 'none', ['name']),
  'indices.exists': named('read'),
  'indices.exists_alias': named('read', 'none', ['index|name']),
  'indices.get': named('read'),
  'indices.get_alias': named('read', 'none', ['index|name']),
  'indices.get_data_stream': named('read', 'none', ['name']),
  'indices.get_field_mapping': named('read'),
  'indices.get_mapping': named('read'),
  'indices.get_settings': named('read'),
  'indices.get_upgrade': named('read'),
  'indices.recovery': named('read'),
  'indices.resolve_index': named('read', 'none', ['name']),
  'indices.segments': named('read'),
  'indices.shard_stores': named('read'),
  'indices.stats': named('read'),

  // Indices, changed: a rule may grant them for some indices.
  'indices.add_block': named('admin'),
  'indices.clear_cache': named('admin'),
  'indices.clone': named('admin', 'opaque', ['index', 'target']),
  'indices.close': named('admin'),
  'indices.create': named('admin', 'opaque'),
  'indices.create_data_stream': named('admin', 'opaque', ['name']),
  'indices.delete': named('admin'),
  'indices.delete_alias': named('admin'),
  'indices.delete_data_stream': named('admin', 'none', ['name']),
  'indices.forcemerge': named('admin'),
  'indices.open': named('admin'),
  'indices.put_mapping': named('admin', 'opaque'),
  'indices.rollover': named('admin', 'opaque', ['alias', 'new_index']),
  'indices.shrink': named('admin', 'opaque', ['index', 'target']),
  'indices.split': named('admin', 'opaque', ['index', 'target']),
  'indices.upgrade': named('admin'),

  // The cluster, looked at, where no index, document or query of others can show.
  'cat.allocation': nothing('admin'),
  'cat.cluster_manager': nothing('admin'),
  'cat.nodeattrs': nothing('admin'),
  'cat.nodes': nothing('admin'),
  'cat.plugins': nothing('admin'),
  'cat.repositories': nothing('admin'),
  'cat.thread_pool': nothing('admin'),
  'cluster.get_settings': nothing('admin'),
  'cluster.remote_info': nothing('admin'),
  get_script_context: nothing('admin'),
  get_script_languages: nothing('admin'),
  'ingest.processor_grok': nothing('admin'),
  'nodes.info': nothing('admin'),
  'nodes.usage': nothing('admin'),
}
