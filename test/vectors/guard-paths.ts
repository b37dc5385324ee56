import { INDEX_ROW, JSON_HEADER, OVERRIDE_ROW, PATH_ROW, ROUTE_ROW, TARGET_ROW } from './guard-spelling.ts'
import type { GuardNames, Spelling } from './guard-spelling.ts'

const encoded = (text: string): string => text.replaceAll(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)

/** Expressions that name the index of memories, as they stand in a path. */
function expressions({ stem, canary, open, alias }: GuardNames): readonly string[] {
  return [
    canary,
    canary.replaceAll('-', '%2D'),
    canary.replaceAll('-', '%2d'),
    canary.replace('memory', '%6demory'),
    canary.replace(/g$/, '%67'),
    encoded(canary),
    `${open},${canary}`,
    `${canary},${open}`,
    `${open}%2C${canary}`,
    `${open}%2c${canary}`,
    encoded(`${open},${canary}`),
    `${open},,${canary}`,
    `${open},${stem}-m*`,
    `${canary}*`,
    `${stem}*`,
    `${stem}-*-*`,
    `*-memory-working`,
    `${stem}-memory-*`,
    `${stem}-%2A`,
    `*${stem.slice(2)}-mem*`,
    `${stem}*,-${open}`,
    `*,-${open}`,
    `-${open}`,
    `${canary},-${canary},${canary}`,
    '*',
    '**',
    '_all',
    '%5Fall',
    '_all,-x',
    alias,
    encoded(alias),
    `${open},${alias}`,
    `${alias}*`,
    `<${canary}>`,
    `%3C${canary}%3E`,
    `%3c${canary}%3e`,
    `<${stem}-memory-%7Bnow%2Fd%7B'working'%7D%7D>`,
    `%3C${stem}-memory-%7Bnow%2Fd%7B%27working%27%7D%7D%3E`,
    `${open},%3C${canary}%3E`,
    `*:${canary}`,
  ]
}

/** Routes with an index in their path; what they want of a body. */
const ROUTES: readonly (readonly [method: string, rest: string, body?: string])[] = [
  ['POST', '_search', '{"query":{"match_all":{}}}'],
  ['GET', '_search?q=*'],
  ['GET', '_search?expand_wildcards=all&ignore_unavailable=true'],
  ['GET', '_count'],
  ['GET', '_stats'],
  ['GET', '_mapping'],
  ['GET', ''],
  ['HEAD', ''],
  ['GET', '_field_caps?fields=*'],
  ['GET', '_search_shards'],
  ['GET', '_validate/query?q=text:a&explain=true&rewrite=true'],
  ['GET', '_segments'],
  ['GET', '_settings'],
  ['GET', '_alias'],
]

const WRITES: readonly (readonly [method: string, rest: string, body?: string])[] = [
  ['POST', '_delete_by_query', '{"query":{"match_all":{}}}'],
  ['POST', '_update_by_query', '{"script":{"source":"ctx._source.text = null"}}'],
  ['POST', '_doc', '{"text":"x"}'],
  ['POST', '_refresh'],
  ['POST', '_flush'],
  ['DELETE', ''],
  ['POST', '_close'],
  ['POST', '_forcemerge'],
  ['POST', '_cache/clear'],
  ['PUT', '_settings', '{"index":{"refresh_interval":"2s"}}'],
  ['PUT', '_mapping', '{"properties":{"x":{"type":"keyword"}}}'],
  ['POST', '_search/point_in_time?keep_alive=1m'],
  ['PUT', '_block/write'],
]

/** Routes that go to one document. */
const DOCUMENTS = ({ id }: GuardNames): readonly (readonly [method: string, rest: string, body?: string])[] => [
  ['GET', `_doc/${id}`],
  ['GET', `_source/${id}`],
  ['GET', `_doc/${encoded(id)}?realtime=false`],
  ['HEAD', `_doc/${id}`],
  ['GET', `_termvectors/${id}?fields=text`],
  ['GET', `_explain/${id}?q=*`],
  ['DELETE', `_doc/${id}`],
  ['PUT', `_doc/${id}`, '{"text":"x"}'],
  ['PUT', `_create/${id}`, '{"text":"x"}'],
  ['POST', `_update/${id}`, '{"doc":{"text":"x"}}'],
  ['POST', `_update/${id}`, '{"script":{"source":"ctx.op = \'delete\'"}}'],
]

function ask(row: string, method: string, target: string, body?: string): Spelling {
  const isRead = /^(?:GET|POST)$/.test(method) && /_search(?:[?#]|\/?$)|\/_(?:doc|source|termvectors)\/./.test(target)
  return { row, method, target, isRead, ...(body === undefined ? {} : { body, headers: [JSON_HEADER] }) }
}

const slashed = (index: string, rest: string): string => (rest === '' ? `/${index}` : `/${index}/${rest}`)

/** Every way to name the index in a path that the server knows, and as many as it does not. */
export function pathSpellings(names: GuardNames): readonly Spelling[] {
  const { canary, open, alias, stem, id } = names
  const some = [
    canary,
    `${open},${canary}`,
    `${stem}*`,
    '_all',
    alias,
    `%3C${canary}%3E`,
    canary.replace('memory', '%6Demory'),
  ]
  const single = [canary, alias, `<${canary}>`, encoded(canary), `%3C${stem}-memory-%7Bnow%2Fd%7B'working'%7D%7D%3E`]
  return [
    ...expressions(names).map((index) => ask(INDEX_ROW, 'GET', `/${index}/_search`)),
    ...expressions(names).map((index) => ask(INDEX_ROW, 'POST', `/${index}/_count`, '{"query":{"match_all":{}}}')),
    ...ROUTES.flatMap(([method, rest, body]) => some.map((index) => ask(INDEX_ROW, method, slashed(index, rest), body))),
    ...WRITES.flatMap(([method, rest, body]) => some.map((index) => ask(INDEX_ROW, method, slashed(index, rest), body))),
    ...DOCUMENTS(names).flatMap(([method, rest, body]) => single.map((index) => ask(INDEX_ROW, method, slashed(index, rest), body))),
    ...unnormalised(names).map((target) => ask(PATH_ROW, 'GET', target)),
    ...EVERY_METHOD.flatMap((method) => withEmptySegments(names).map((target) => ask(PATH_ROW, method, target))),
    ...['/_search', '/_search?q=*', '/_count', '/_mapping', '/_stats', '/_settings', '/_alias', '/_segments', '/_cat/indices', `/_cat/indices/${stem}*`, `/_cat/shards/${canary}`, `/_cat/count/${canary}`, `/_cat/aliases/${alias}`, `/_resolve/index/${stem}*`, `/_cat/segments/${alias}`, `/_list/indices/${canary}`, '/_field_caps?fields=*', '/_search_shards', '/_recovery', '/_validate/query?explain=true', `/_alias/${alias}`, '/_cluster/health?level=indices', `/_cluster/health/${canary}`].map((target) => ask(INDEX_ROW, 'GET', target)),
    ...[`http://gateway.test/${canary}/_search`, `http://${open}/${canary}/_search`, `${canary}/_search`, `//${canary}/_search`, `http:/${canary}/_search`, `http:${canary}/_search`, `/http://gateway.test/${canary}/_search`].map((target) => ask(TARGET_ROW, 'GET', target)),
    ...['get', 'Get', 'TRACE', 'QUERY', 'PATCH', 'SEARCH', 'PROPFIND', 'LOCK', 'OPTIONS'].map((method) => ask(OVERRIDE_ROW, method, `/${canary}/_search`)),
    ...['GET', 'POST'].map((method) => ({ ...ask(OVERRIDE_ROW, method === 'GET' ? 'OPTIONS' : 'PATCH', `/${canary}/_doc/${id}`), headers: [`X-HTTP-Method-Override: ${method}`] })),
  ] // prettier-ignore
}

const EVERY_METHOD = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']

/** The server takes an empty segment for an empty name; others merge slashes, or take what follows two of them for a host. */
function withEmptySegments({ canary, open, id }: GuardNames): readonly string[] {
  return [
    `//${canary}/_doc/${id}`,
    `///${canary}/_doc/${id}`,
    `/${canary}//_doc/${id}`,
    `/${canary}/_doc//${id}`,
    `//${canary}//_doc//${id}`,
    `//gateway.test/${canary}/_doc/${id}`,
    `//${open}/${canary}/_doc/${id}`,
    `//_all/_doc/${id}`,
    `//_doc/${id}`,
    '//_search',
    `//_search?index=${canary}`,
    '//_mapping',
    '//_refresh',
    '//_delete_by_query',
    `//${canary}`,
    `//_cat/indices/${canary}`,
    `/_cat//indices`,
  ]
}

/** What others normalise: the server does not, and takes it as it stands or not at all. */
function unnormalised({ canary, open, id }: GuardNames): readonly string[] {
  return [
    `/${open}/../${canary}/_search`,
    `/${open}/%2e%2e/${canary}/_search`,
    `/${open}/%2E%2e/${canary}/_search`,
    `/${open}/.%2e/${canary}/_search`,
    `/${open}%2F..%2F${canary}/_search`,
    `/${open}%2f..%2f${canary}/_search`,
    `/${open}%252F..%252F${canary}/_search`,
    `/./${canary}/_search`,
    `/%2e/${canary}/_search`,
    `/${canary}/./_search`,
    `/${canary}//_search`,
    `///${canary}/_search`,
    `/\\${canary}/_search`,
    `/%5c${canary}/_search`,
    `/${open}\\..\\${canary}/_search`,
    `/${canary}/_search/`,
    `/${canary}/_search///`,
    `/${canary}/_search/.`,
    `/${canary}/_search/..`,
    `/${canary}/%5fsearch`,
    `/${canary}/_sear%63h`,
    `/${canary}/_SEARCH`,
    `/${canary.toUpperCase()}/_search`,
    `/${canary};x=1/_search`,
    `/${canary}%3bx/_search`,
    `/${canary}%00/_search`,
    `/${canary}%20/_search`,
    `/%20${canary}/_search`,
    `/${canary}%0a/_search`,
    `/${canary}%ff/_search`,
    `/${canary}%c0%ae/_search`,
    `/${canary}%/_search`,
    `/${canary}%zz/_search`,
    `/${canary}%u002f_search`,
    `/${canary}#/_search`,
    `/${canary}/_search#x`,
    `/${canary}/_search%3Fq=*`,
    `/${canary}/_doc/${id}#frag`,
    `/${open}/_doc/${id}#/${canary}/_doc/${id}`,
    `/${canary}/_doc/${id};x=1`,
    `/${canary}/_doc/${id}%2f..%2f${id}`,
    `/${canary}/_doc/${id}/`,
    `/${canary}%2F_doc%2F${id}`,
    `/${open}%2C${canary}%2F_search`,
    `/${canary}/type/${id}`,
    `/${canary}/_doc/${id}/_source`,
    `/${canary}/${id}`,
  ]
}

/** Headers and parameters by which other servers take another target or method than the first line says. */
export function harmlessSpellings({ canary, open, id }: GuardNames): readonly Spelling[] {
  const target = `/${open}/_doc/${id}`
  const headers = [
    `X-Original-URL: /${canary}/_doc/${id}`,
    `X-Rewrite-URL: /${canary}/_doc/${id}`,
    `X-Forwarded-Path: /${canary}/_doc/${id}`,
    `X-Forwarded-Prefix: /${canary}`,
    'X-HTTP-Method-Override: DELETE',
    'X-HTTP-Method: DELETE',
    'X-Method-Override: DELETE',
    `Referer: http://gateway.test/${canary}/_doc/${id}`,
  ]
  return [
    ...headers.map((header) => ({ row: OVERRIDE_ROW, method: 'GET', target, headers: [header], isHarmless: true })),
    ...['?_method=DELETE', `?url=/${canary}`].map((query) => ({
      row: OVERRIDE_ROW,
      method: 'GET',
      target: `${target}${query}`,
      isHarmless: true,
    })),
    // As for the cluster, a fragment is data: of the document's id.
    { row: PATH_ROW, method: 'GET', target: `${target}#${canary}`, isHarmless: true },
    { row: PATH_ROW, method: 'GET', target: `${target}%2F..%2F${canary}`, isHarmless: true },
    { row: PATH_ROW, method: 'GET', target: `/${canary}./_search`, isHarmless: true },
    { row: PATH_ROW, method: 'GET', target: `${target};index=${canary}`, isHarmless: true },
  ]
}

/** Routes whose reach nothing in a request bounds. */
export function routeSpellings({ canary, open, alias, stem }: GuardNames): readonly Spelling[] {
  const reads = [
    '/_cluster/state',
    `/_cluster/state/metadata/${canary}`,
    '/_nodes',
    '/_nodes/stats/indices?level=shards',
    '/_tasks?detailed',
    '/_cat/tasks',
    '/_cat/pit_segments/_all',
    '/_search/point_in_time/_all',
    '/_snapshot',
    '/_snapshot/_all/_all',
    '/_template',
    '/_index_template',
    '/_component_template',
    '/_ingest/pipeline',
    '/_search/pipeline',
    '/_scripts/x',
    '/_dangling',
    '/_remote/info',
    '/_cluster/pending_tasks',
    '/_nodes/hot_threads',
    '/_cat/templates',
    '/_cat/fielddata',
    '/_plugins/_sql/stats',
    `/_plugins/_ml/models/_search`,
    `/_plugins/_security/api/internalusers`,
    '/_plugins/_async_search/x',
    '/_unknown',
    `/_unknown/${canary}`,
    `/_search/template?source=%7B%7D`,
    '/_render/template',
    `/_cat/snapshots/x`,
    `/_cat/recovery?index=${canary}`,
  ]
  const bodies: readonly (readonly [method: string, target: string, body: string])[] = [
    ['POST', '/_plugins/_sql', `{"query":"SELECT * FROM ${canary}"}`],
    ['POST', '/_plugins/_ppl', `{"query":"source=${canary}"}`],
    ['POST', '/_opendistro/_sql', `{"query":"SELECT * FROM ${canary}"}`],
    ['POST', '/_sql', `{"query":"SELECT * FROM ${canary}"}`],
    ['POST', '/_reindex', `{"source":{"index":"${canary}"},"dest":{"index":"${open}"}}`],
    ['POST', '/_reindex', `{"source":{"index":"${open}"},"dest":{"index":"${canary}"}}`],
    ['POST', '/_aliases', `{"actions":[{"add":{"index":"${canary}","alias":"${stem}-x"}}]}`],
    ['POST', '/_aliases', `{"actions":[{"remove_index":{"index":"${canary}"}}]}`],
    ['PUT', `/${open}/_alias/${stem}x-memory-history`, '{}'],
    ['PUT', `/${stem}-new`, `{"aliases":{"${stem}x-memory-history":{}}}`],
    ['PUT', `/_index_template/${stem}`, `{"index_patterns":["${stem}*"],"template":{"aliases":{"${alias}":{}}}}`],
    ['PUT', '/_ingest/pipeline/x', '{"processors":[{"set":{"field":"_index","value":"x"}}]}'],
    ['POST', '/_ingest/pipeline/_simulate', '{"pipeline":{"processors":[]},"docs":[]}'],
    ['PUT', '/_scripts/x', '{"script":{"lang":"mustache","source":"{}"}}'],
    ['POST', '/_search/template', `{"source":"{\\"query\\":{\\"match_all\\":{}}}"}`],
    ['POST', `/${open}/_search/template`, `{"source":{"query":{"terms":{"user":{"index":"{{i}}","id":"1","path":"text"}}}},"params":{"i":"${canary}"}}`],
    ['POST', '/_msearch/template', `{"index":"${canary}"}\n{"source":{"query":{"match_all":{}}}}\n`],
    ['POST', `/${open}/_msearch/template`, `{}\n{"source":{"query":{"match_all":{}}}}\n`],
    ['POST', '/_render/template', '{"source":{"query":{"match_all":{}}}}'],
    ['POST', `/${canary}/_clone/${stem}-copy`, '{}'],
    ['POST', `/${canary}/_split/${stem}-copy`, '{}'],
    ['POST', `/${canary}/_shrink/${stem}-copy`, '{}'],
    ['POST', `/${open}/_clone/${stem}x-memory-history`, '{}'],
    ['POST', `/${alias}/_rollover/${stem}-rolled`, '{}'],
    ...['_all', '%5Fall', '_all,', ',_all', 'x,_all', '_all,_all', '%20_all', '_all%20'].flatMap((ids) => [
      ['DELETE', `/_search/scroll/${ids}`, ''] as const,
      ['DELETE', `/_search/scroll?scroll_id=${ids}`, ''] as const,
    ]),
    ['DELETE', '/_search/point_in_time/_all', ''],
    ['DELETE', '/_search/point_in_time?pit_id=_all', ''],
    ['DELETE', '/_search/scroll?source=%7B%22scroll_id%22%3A%22_all%22%7D&source_content_type=application/json', ''],
    ['DELETE', '/_search/scroll', '{"scroll_id":"_all"}'],
    ['DELETE', '/_search/scroll/x', '{"scroll_id":"_all"}'],
    ['DELETE', '/_search/scroll', '{"scroll_id":["_all"]}'],
    ['DELETE', '/_search/scroll', '{"scroll_id":["x","_all"]}'],
    ['DELETE', '/_search/scroll', '{"\\u0073croll_id":"\\u005fall"}'],
    ['DELETE', '/_search/scroll', '{"scroll_id":"x","scroll_id":"_all"}'],
    ['DELETE', '/_search/scroll', '/**/{"scroll_id":"_all"}'],
    ['DELETE', '/_search/scroll', '\ufeff{"scroll_id":"_all"}'],
    ['DELETE', '/_search/point_in_time', '{"pit_id":"_all"}'],
    ['DELETE', '/_search/point_in_time', '{"pit_id":["_all"]}'],
    ['DELETE', '/_search/point_in_time', '{"pit_id":["_all"],"pit_id":["x"]}'],
    ['POST', '/_bulk/stream', `{"delete":{"_index":"${canary}","_id":"1"}}\n`],
    ['PUT', '/_cluster/settings', '{"transient":{}}'],
    ['POST', '/_cluster/reroute', '{"commands":[]}'],
    ['PUT', '/_snapshot/x', '{"type":"fs","settings":{"location":"/tmp/x"}}'],
    ['POST', '/_plugins/_ml/memory/x/_search', '{"query":{"match_all":{}}}'],
    ['POST', '/_rank_eval', `{"requests":[{"id":"x","request":{"query":{"match_all":{}}},"ratings":[{"_index":"${canary}","_id":"1","rating":1}]}]}`],
    ['POST', `/${open}/_rank_eval`, `{"templates":[{"id":"t","template":{"source":"{}"}}],"requests":[]}`],
  ] // prettier-ignore
  return [
    ...reads.map((target) => ask(ROUTE_ROW, 'GET', target)),
    ...bodies.map(([method, target, body]) => ({
      ...ask(ROUTE_ROW, method, target, body),
      isRead: false,
    })),
  ]
}
