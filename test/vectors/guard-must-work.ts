import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

import { JSON_HEADER, NDJSON_HEADER } from './guard-spelling.ts'
import type { Spelling } from './guard-spelling.ts'

/** Indices that are everybody's. */
export interface OpenNames {
  readonly stem: string
  readonly first: string
  readonly second: string
  /** An alias of both. */
  readonly alias: string
  readonly id: string
}

const ROW = 'what must work'
const GZIP = 'Content-Encoding: gzip'

type Body = string | Uint8Array

function ask(method: string, target: string, body?: Body, ...headers: string[]): Spelling {
  const typed = body === undefined || headers.some((header) => /^content-type/i.test(header)) ? [] : [JSON_HEADER]
  return { row: ROW, method, target, headers: [...typed, ...headers], ...(body === undefined ? {} : { body }) }
}

/** A body as clients send it. */
function forms(method: string, target: string, text: string, type: string): readonly Spelling[] {
  const half = Math.floor(text.length / 2)
  return [
    ask(method, target, text, type),
    ask(method, target, text, `${type}; charset=UTF-8`),
    ask(method, target, text, `${type};charset=utf-8`),
    ask(method, target, text, type.toLowerCase()),
    ask(method, target, text, type, 'Expect: 100-continue'),
    ask(method, target, text, type, 'Content-Encoding: identity'),
    { ...ask(method, target, text, type), chunkBytes: 1 },
    { ...ask(method, target, text, type), chunkBytes: 1_000_000 },
    ask(method, target, gzipSync(text), type, GZIP),
    ask(method, target, gzipSync(text, { level: 9 }), type, 'content-encoding: GZIP'),
    ask(method, target, gzipSync(text), type, 'Content-Encoding: x-gzip'),
    ask(method, target, Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]), type, GZIP),
    { ...ask(method, target, gzipSync(text), type, GZIP), chunkBytes: 3 },
    ask(method, target, deflateSync(text), type, 'Content-Encoding: deflate'),
    ask(method, target, zstdCompressSync(text), type, 'Content-Encoding: zstd'),
    { ...ask(method, target, zstdCompressSync(text), type, 'content-encoding: ZSTD'), chunkBytes: 3 },
  ]
}

const all = '{"query":{"match_all":{}}}'

/** Reads, whose answers are those of the cluster itself. */
export function readsThatWork({ stem, first, second, alias, id }: OpenNames): readonly Spelling[] {
  const lists = [first, `${first},${second}`, `${first}%2C${second}`, `${stem}-o*`, `${stem}-%6Fther*`, `${stem}-o*,-${second}`, alias, `${first},${alias}`, first.replaceAll('-', '%2d'), `${stem}-nothing-*`] // prettier-ignore
  const routes: readonly (readonly [method: string, rest: string, body?: string])[] = [
    ['GET', '_search'],
    ['POST', '_search', `${all}\n`],
    ['GET', '_search?q=text:ordinary&size=1&sort=user.keyword'],
    ['GET', '_search?expand_wildcards=all&ignore_unavailable=true'],
    ['GET', '_count'],
    ['POST', '_count', '{"query":{"term":{"user.keyword":"alice"}}}'],
    ['GET', '_mapping'],
    ['GET', '_settings?flat_settings=true'],
    ['GET', '_alias'],
    ['HEAD', ''],
    ['GET', '_field_caps?fields=*'],
    ['GET', '_validate/query?q=text:a&explain=true'],
  ]
  const documents: readonly (readonly [method: string, rest: string, body?: string])[] = [
    ['GET', `_doc/${id}`],
    ['HEAD', `_doc/${id}`],
    ['GET', `_source/${id}`],
    ['GET', `_doc/a%2Fb%3Fc%23d`],
    ['GET', `_doc/%3Cx%3E%2C*`],
    ['GET', `_doc/missing`],
    ['GET', `_doc/${id}#frag`],
    ['GET', `_explain/${id}?q=*`],
    ['POST', `_explain/${id}`, all],
    ['GET', `_termvectors/${id}?fields=text`],
    ['POST', `_termvectors`, '{"doc":{"text":"a","index":"b"},"fields":["text"]}'],
  ]
  const parameters = [
    `/_search?index=${first}`,
    `/_search?index=${first},${second}`,
    `/_search?x;index=${first}`,
    `/_count?index=${alias}`,
    `/_count?%69ndex=${second}`,
    `/_cat/count/${first}?format=json&h=count`,
    `/_cat/indices/${first}?h=index,docs.count&format=json`,
    `/_resolve/index/${stem}-o*`,
    '/',
    '/_cat',
  ]
  return [
    ...routes.flatMap(([method, rest, body]) => lists.map((list) => ask(method, rest === '' ? `/${list}` : `/${list}/${rest}`, body))),
    ...documents.flatMap(([method, rest, body]) => [first, first.replaceAll('-', '%2D')].map((index) => ask(method, `/${index}/${rest}`, body))),
    ...parameters.map((target) => ask('GET', target)),
    ...queries(first, id).map((query) => ask('POST', `/${first}/_search`, `{"query":${query}}`)),
    ...searches(first, id).map((body) => ask('POST', `/${alias}/_search`, body)),
    ...forms('POST', `/${first}/_search`, all, JSON_HEADER),
    ...forms('POST', '/_msearch', `{"index":"${first}"}\n${all}\n{"index":["${first}","${second}"]}\n${all}\n`, NDJSON_HEADER),
    ...forms('POST', '/_mget', `{"docs":[{"_index":"${first}","_id":"${id}"},{"_index":"${second}","_id":"${id}"}]}`, JSON_HEADER),
    ...msearches(first, second, alias, stem).flatMap((body) => [ask('GET', '/_msearch', body), ask('POST', `/${second}/_msearch`, body)]),
    ...[`{}\n${all}\n`, `\n\n${all}\n`, ` \r\n${all}\r\n`, `{}\n{"from":0}\n{}\n{}\n`].map((body) => ask('POST', `/${first}/_msearch`, body)),
    ...mgets(first, alias, id).flatMap((body) => [ask('POST', '/_mget', body), ask('GET', `/${second}/_mget`, body)]),
    ...[`{"ids":["${id}","missing",1]}`, `{"docs":[{"_id":"${id}"},{"_id":"${id}","_index":null}]}`].map((body) => ask('POST', `/${first}/_mget`, body)),
    ask('POST', '/_mtermvectors', `{"docs":[{"_index":"${first}","_id":"${id}","fields":["text"],"term_statistics":true}]}`),
    ask('POST', `/${first}/_mtermvectors`, `{"ids":["${id}"],"parameters":{"fields":["text"]}}`),
    ask('POST', `/${first}/_field_caps?fields=*`, '{"index_filter":{"range":{"n":{"gte":0}}}}'),
    ask('POST', `/${first}/_validate/query?explain=true`, '{"query":{"match":{"text":"a"}}}'),
    ask('POST', '/_analyze', '{"analyzer":"standard","text":"a wrapper of an index"}'),
    ask('GET', `/${first}/_search`, '', JSON_HEADER),
    { ...ask('GET', `/${first}/_search`, ''), headers: [], chunkBytes: 1 },
  ] // prettier-ignore
}

/** Query kinds, with words in them that mean indices elsewhere, and lookups into an index of everybody's. */
function queries(index: string, id: string): readonly string[] {
  const lookup = `{"terms":{"user.keyword":{"index":"${index}","id":"${id}","path":"user"}}}`
  return [
    '{"match_none":{}}',
    '{"match":{"text":"wrapper"}}',
    '{"match":{"text":{"query":"template","operator":"and"}}}',
    '{"match_phrase":{"text":"indexed shape"}}',
    '{"multi_match":{"query":"index","fields":["text","user"]}}',
    '{"query_string":{"query":"index:x OR _index:y"}}',
    `{"term":{"_index":"${index}"}}`,
    `{"terms":{"_index":["${index}","other"]}}`,
    '{"terms":{"user.keyword":["alice","bob"]}}',
    '{"range":{"n":{"gte":1,"lt":10}}}',
    '{"exists":{"field":"index"}}',
    '{"ids":{"values":["1","2"]}}',
    '{"prefix":{"user.keyword":"al"}}',
    '{"wildcard":{"user.keyword":"a*"}}',
    '{"regexp":{"user.keyword":"a.*"}}',
    '{"fuzzy":{"user.keyword":"alise"}}',
    '{"bool":{"must":[{"match":{"text":"ordinary"}}],"must_not":{"term":{"user.keyword":"bob"}},"filter":[],"should":[]}}',
    '{"constant_score":{"filter":{"term":{"user.keyword":"alice"}}}}',
    '{"function_score":{"query":{"match_all":{}},"functions":[{"filter":{"match_all":{}},"weight":2}]}}',
    '{"script_score":{"query":{"match_all":{}},"script":{"source":"params.index * 1.0","params":{"index":2}}}}',
    '{"dis_max":{"queries":[{"match":{"text":"a"}},{"match_all":{}}]}}',
    '{"nested":{"path":"x","ignore_unmapped":true,"query":{"match_all":{}}}}',
    '{"match":{"text":"\\u005findex \\ud83d\\ude00 \\"quoted\\" \\\\"}}',
    lookup,
    `{"bool":{"filter":${lookup}}}`,
    `{"more_like_this":{"fields":["text"],"like":[{"_index":"${index}","_id":"${id}"},"text"],"min_term_freq":1,"min_doc_freq":1}}`,
    `${'{"bool":{"must":'.repeat(15)}{"match_all":{}}${'}}'.repeat(15)}`,
    // Refused by the server, in its own words.
    '{"nosuchquery":{}}',
    '{"match":{}}',
  ]
}

function searches(index: string, id: string): readonly string[] {
  return [
    '{}',
    '{"size":0,"aggs":{"users":{"terms":{"field":"user.keyword","order":{"_count":"desc"},"include":["alice"]}}}}',
    '{"size":0,"aggs":{"index":{"terms":{"field":"_index"}},"indices":{"filter":{"match_all":{}}}}}',
    '{"size":0,"aggs":{"f":{"filters":{"filters":{"a":{"match_all":{}}}}}}}',
    '{"_source":["user","index"],"fields":["user"],"docvalue_fields":["user.keyword"],"sort":["_doc"]}',
    '{"_source":{"includes":["user"],"excludes":["text"]},"from":0,"size":1}',
    '{"query":{"match":{"text":"ordinary"}},"highlight":{"fields":{"text":{}}}}',
    '{"suggest":{"s":{"text":"ordnary","term":{"field":"text"}}}}',
    '{"collapse":{"field":"user.keyword"},"sort":[{"user.keyword":"asc"}]}',
    '{"script_fields":{"index":{"script":{"source":"1"}}}}',
    '{"sort":[{"n":{"order":"desc","unmapped_type":"long"}}],"track_total_hits":true}',
    `{"indices_boost":[{"${index}":1.3}]}`,
    `{"post_filter":{"term":{"_id":"${id}"}}}`,
    ' { "query" : { "match_all" : { } } } \r\n\t',
    '{"query":{"match_all":{}},"size":1e0}',
    '{"unknown":1}',
  ]
}

function msearches(first: string, second: string, alias: string, stem: string): readonly string[] {
  return [
    `{"index":"${first}"}\n${all}\n`,
    `{"index":"${first},${second}"}\n${all}\n`,
    `{"index":["${first}"],"preference":"_local","search_type":"query_then_fetch"}\n${all}\n`,
    `{"indices":["${first}","${second}"],"ignore_unavailable":true}\n${all}\n`,
    `{"index":"${alias}"}\r\n${all}\r\n`,
    `{"index":"${stem}-o*","expand_wildcards":["open","hidden"]}\n${all}\n`,
    `\n{"index":"${first}"}\n${all}\n`,
    `{"\\u0069ndex":"${first}"}\n${all}\n`,
    `{"index":"${first}"}\n${all}\n`.repeat(300),
    `{"index":"${first}"}\n${all}`,
  ]
}

function mgets(first: string, alias: string, id: string): readonly string[] {
  return [
    `{"docs":[{"_index":"${first}","_id":"${id}"}]}`,
    `{"docs":[{"_index":"${first}","_id":"${id}","_source":false},{"_index":"${first}","_id":"${id}","_source":["user"]},{"_index":"${first}","_id":"${id}","_source":{"include":["user"],"exclude":["text"]}}]}`,
    `{"docs":[{"_index":"${first}","_id":"${id}","routing":"x","stored_fields":["user"]},{"_index":"${first}","_id":1}]}`,
    `{"docs":[{"_index":"${alias}","_id":"${id}"}]}`,
    `{"docs":[{"_index":"no-such-index","_id":"${id}"}]}`,
    `{"docs":[${Array.from({ length: 500 }, (_, at) => `{"_index":"${first}","_id":"${String(at)}"}`).join(',')}]}`,
  ]
}

/** Writes, which have to succeed. */
export function writesThatWork({ stem, first, second, id }: OpenNames): readonly Spelling[] {
  const index = (name: string, documentId: string): string =>
    `{"index":{"_index":"${name}","_id":"${documentId}"}}\n{"text":"x"}\n`
  const source =
    '{"index":"x","wrapper":{"_index":"y","query":"z"},"text":"{\\"delete\\":{\\"_index\\":\\"-memory-working\\"}}"}'
  const bulks = [
    index(first, 'b1'),
    index(first, 'b2').replaceAll('\n', '\r\n'),
    `\n${index(first, 'b3')}`,
    `{"index":{"_index":"${first}"}}\n${source}\n`,
    `{"create":{"_index":"${first}"}}\n${source}\n`,
    `{"index":{"_index":"${first}","_id":"b4","routing":"r","pipeline":"_none","require_alias":false}}\n${source}\n`,
    `{"update":{"_index":"${first}","_id":"b1","retry_on_conflict":3,"_source":true}}\n{"doc":${source},"doc_as_upsert":true}\n`,
    `{"update":{"_index":"${first}","_id":"u"}}\n{"doc":{"n":1},"upsert":${source}}\n`,
    `${index(second, 'b1')}{"delete":{"_index":"${second}","_id":"b1"}}\n`,
    `{"index":{"_index":"${first}","_id":"\\u0062\\"5"}}\n{"text":"\\u0000"}\n`,
    index(first, 'b6').repeat(500),
    `{"index":{"_index":"${first}","_id":"long"}}\n{"text":"${'x'.repeat(300_000)}"}\n`,
    `{"index":{"_index":"${stem}-other-new","_id":"1"}}\n{"text":"x"}\n`,
    ' \n'.repeat(50) + index(first, 'b7'),
  ]
  return [
    ...bulks.map((body) => ask('POST', '/_bulk', body, NDJSON_HEADER)),
    ...bulks.map((body) => ask('PUT', `/${second}/_bulk?refresh=false`, body)),
    ...forms('POST', '/_bulk', index(first, 'f1') + index(second, 'f2'), NDJSON_HEADER),
    ...forms('POST', `/${first}/_bulk`, `{"index":{"_id":"f3"}}\n${source}\n`, JSON_HEADER),
    ask('PUT', `/${first}/_doc/w1`, source),
    ask('POST', `/${first}/_doc`, source),
    ask('PUT', `/${first}/_create/w2`, source),
    ask('POST', `/${first}/_update/w1`, `{"doc":${source}}`),
    ask('DELETE', `/${first}/_doc/w1`),
    ask('PUT', `/${first}/_doc/a%2Fb%3Fc%23d`, source),
    ask('POST', `/${second}/_delete_by_query?conflicts=proceed`, '{"query":{"term":{"user.keyword":"nobody"}}}'),
    ask('POST', `/${second}/_update_by_query?conflicts=proceed`, '{"query":{"term":{"user.keyword":"nobody"}},"script":{"source":"ctx._source.n = 3"}}'),
    ask('POST', `/${first}/_refresh`),
    ask('POST', `/${first},${second}/_refresh`),
    ask('POST', `/${first}/_flush`),
    ask('PUT', `/${first}/_doc/large`, gzipSync(JSON.stringify({ text: 'y'.repeat(200_000) })), GZIP),
    ask('PUT', `/${first}/_doc/${id}?refresh=wait_for&version_type=external&version=999`, '{"text":"ordinary","user":"alice"}'),
  ] // prettier-ignore
}
