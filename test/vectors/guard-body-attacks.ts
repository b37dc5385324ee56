import { constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

import { snappy } from './snappy.ts'
import { HIDDEN_ROW, INDEX_ROW, JSON_HEADER, NDJSON_HEADER } from './guard-spelling.ts'
import type { GuardNames, Spelling } from './guard-spelling.ts'

const GZIP = 'Content-Encoding: gzip'

/**
 * A gzip body that is one thing to the server and another to every other reader: the server's decoder (Netty's) does not skip the extra field of
 * the header, but inflates it.
 */
function twoFaced(hidden: string, shown: string): Buffer {
  const compressed = deflateRawSync(hidden, { finishFlush: constants.Z_SYNC_FLUSH })
  // The rest becomes a stored block of it.
  const extra = Buffer.concat([compressed, Buffer.from([0x00, 0xff, 0xff, 0x00, 0x00])])
  const plain = gzipSync(shown)
  const head = Buffer.from(plain.subarray(0, 10))
  head[3] = 0x04
  const length = Buffer.alloc(2)
  length.writeUInt16LE(extra.length)
  return Buffer.concat([head, length, extra, plain.subarray(10)])
}

/** A CBOR map of texts, lists and maps (RFC 8949). */
function cbor(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Array.isArray(value)) return Buffer.concat([cborHead(4, value.length), ...value.map(cbor)])
  const entries = Object.entries(value as Record<string, unknown>)
  return Buffer.concat([cborHead(5, entries.length), ...entries.flat().map(cbor)])
}

function cborHead(major: number, length: number): Buffer {
  return length < 24 ? Buffer.from([(major << 5) | length]) : Buffer.from([(major << 5) | 24, length])
}

/** A Smile map of short ASCII texts, lists and maps, without shared names. */
function smile(value: unknown): Buffer {
  return Buffer.concat([Buffer.from([0x3a, 0x29, 0x0a, 0x00]), smileValue(value)])
}

function smileValue(value: unknown): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    // Tiny ASCII up to 32, short ASCII up to 64 characters.
    return Buffer.concat([Buffer.from([bytes.length <= 32 ? 0x3f + bytes.length : 0x60 + bytes.length - 33]), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([0xf8]), ...value.map(smileValue), Buffer.from([0xf9])])
  const members = Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) => [
    Buffer.from([0x80 + name.length - 1]),
    Buffer.from(name),
    smileValue(inner),
  ])
  return Buffer.concat([Buffer.from([0xfa]), ...members, Buffer.from([0xfb])])
}

/** As one frame, as several with one to be passed over, and one after something harmless: the server reads all of it. */
function zstdForms(text: string): readonly Buffer[] {
  const half = Math.floor(text.length / 2)
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0x20])
  const halves = [text.slice(0, half), text.slice(half)].map((part) => zstdCompressSync(part))
  return [
    zstdCompressSync(text),
    Buffer.concat([halves[0] ?? Buffer.alloc(0), skippable, halves[1] ?? Buffer.alloc(0)]),
    Buffer.concat([zstdCompressSync(' '), zstdCompressSync(text)]),
  ]
}

interface Form {
  readonly headers: readonly string[]
  readonly body: string | Uint8Array
  readonly chunkBytes?: number
}

/** The same text in all the ways in which a body travels. */
function forms(text: string, type: string): readonly Form[] {
  const half = Math.floor(text.length / 2)
  const members = Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(''), gzipSync(text.slice(half))])
  return [
    { headers: [`${type}; charset=UTF-8`], body: text },
    { headers: [type.toUpperCase()], body: text },
    { headers: [type], body: text, chunkBytes: 1 },
    { headers: [type], body: text, chunkBytes: 7 },
    { headers: [type, 'Expect: 100-continue'], body: text },
    { headers: [type, GZIP], body: gzipSync(text) },
    { headers: [type, GZIP], body: gzipSync(text), chunkBytes: 1 },
    { headers: [type, GZIP], body: gzipSync(text, { level: 0 }) },
    { headers: [type, 'Content-Encoding: x-gzip'], body: gzipSync(text) },
    { headers: [type, 'content-encoding:GZIP'], body: gzipSync(text) },
    { headers: [type, GZIP], body: members },
    { headers: [type, 'Content-Encoding: deflate'], body: deflateSync(text) },
    { headers: [type, 'Content-Encoding: deflate'], body: deflateRawSync(text) },
    ...zstdForms(text).map((body) => ({ headers: [type, 'Content-Encoding: zstd'], body })),
    { headers: [type, 'Content-Encoding: zstd'], body: zstdCompressSync(text), chunkBytes: 1 },
    { headers: [type, 'Content-Encoding: snappy'], body: snappy(text) },
    { headers: [type, 'Content-Encoding: identity'], body: text },
    { headers: [type, 'Content-Encoding: br'], body: text },
    { headers: [type, 'Content-Encoding: aws-chunked'], body: text },
    { headers: [type, GZIP, 'Content-Encoding: identity'], body: gzipSync(text) },
    { headers: [type, 'Content-Encoding: gzip, gzip'], body: text },
  ]
}

/** Texts that the server reads as JSON, and that are none. */
function encodings(text: string): readonly Form[] {
  return [
    { headers: [JSON_HEADER], body: `\ufeff${text}` },
    { headers: [JSON_HEADER], body: Buffer.from(text, 'utf16le') },
    { headers: [JSON_HEADER], body: Buffer.from(text, 'utf16le').swap16() },
    { headers: [JSON_HEADER], body: Buffer.from(`\ufeff${text}`, 'utf16le') },
    { headers: [JSON_HEADER], body: Buffer.from(text.replaceAll(/./gs, '$&\0\0\0'), 'latin1') },
    { headers: [JSON_HEADER], body: Buffer.from(text.replaceAll(/./gs, '\0\0\0$&'), 'latin1') },
    { headers: [`${JSON_HEADER}; charset=UTF-16`], body: Buffer.from(text, 'utf16le') },
    { headers: [JSON_HEADER], body: `/* a */${text}` },
    { headers: [JSON_HEADER], body: `${text}//a` },
    { headers: [JSON_HEADER], body: `${text}{}` },
    { headers: [JSON_HEADER], body: `${text} ]` },
    { headers: [], body: text },
    { headers: ['Content-Type: text/plain'], body: text },
    { headers: ['Content-Type: application/yaml'], body: text },
    { headers: ['Content-Type: application/vnd.elasticsearch+json; compatible-with=8'], body: text },
    { headers: [JSON_HEADER, 'Content-Type: application/yaml'], body: text },
  ]
}

function bulkBodies({ stem, canary, open, alias, id }: GuardNames): readonly string[] {
  const own = `{"index":{"_index":"${open}","_id":"own"}}\n{"text":"x"}\n`
  const gone = `{"delete":{"_index":"${canary}","_id":"${id}"}}\n`
  return [
    gone,
    gone.trimEnd(),
    gone.replace('\n', '\r\n'),
    own + gone,
    own.replaceAll('\n', '\r\n') + gone,
    `\n \t\n${gone}`,
    `{"index":{"_index":"${open}"}}\n\n${gone}`,
    `{"index":{"_index":"${open}"}}\n{\n${gone}`,
    `{"index":{"_index":"${canary}","_id":"${id}"}}\n{"text":"x"}\n`,
    `{"create":{"_index":"${canary}","_id":"new"}}\n{"text":"x"}\n`,
    `{"update":{"_index":"${canary}","_id":"${id}"}}\n{"doc":{"text":"x"}}\n`,
    `{"update":{"_index":"${canary}","_id":"${id}"}}\n{"script":{"source":"ctx.op='delete'"}}\n`,
    `{"update":{"_index":"${canary}","_id":"${id}"}}\n{"doc":{"a":1},"_source":true}\n`,
    gone.replace('_index', '\\u005findex'),
    gone.replace('delete', '\\u0064elete'),
    gone.replace(canary, canary.replace('-', '\\u002d')),
    gone.replace(canary, `<${canary}>`),
    gone.replace(canary, `<${stem}-memory-{now/d{'working'}}>`),
    gone.replace(canary, alias),
    gone.replace(canary, canary.toUpperCase()),
    gone.replace(canary, `${open},${canary}`),
    gone.replace(canary, `${stem}*`),
    `{"delete":{"_index":"${open}","_index":"${canary}","_id":"${id}"}}\n`,
    `{"delete":{"_index":"${open}","\\u005findex":"${canary}","_id":"${id}"}}\n`,
    `{"delete":{"_index":["${canary}"],"_id":"${id}"}}\n`,
    `{"delete":{"_index":{"x":"${canary}"},"_id":"${id}"}}\n`,
    `{"delete":{"_id":{"_index":"${canary}"},"_index":"${open}"}}\n`,
    `{"delete":{"_index":"${open}","_id":"1"}}{"delete":{"_index":"${canary}","_id":"${id}"}}\n`,
    `{"delete":{"_index":"${open}","_id":"1"},"delete":{"_index":"${canary}","_id":"${id}"}}\n`,
    `[${gone.trimEnd()}]\n`,
    `/**/${gone}`,
    `//\n${gone}`,
    `{'delete':{'_index':'${canary}','_id':'${id}'}}\n`,
    `{"index":{"_index":"${open}","pipeline":"p"}}\n{"text":"x"}\n`,
    `{"index":{"_index":"${open}","x":1}}\n{"text":"x"}\n`,
    own.repeat(40) + gone,
    own.repeat(4_000) + gone,
  ]
}

function msearchBodies({ stem, canary, open, alias, id }: GuardNames): readonly string[] {
  const all = '{"query":{"match_all":{}}}\n'
  const lookup = `{"query":{"terms":{"text.keyword":{"index":"${canary}","id":"${id}","path":"text"}}},"profile":true}\n`
  const own = `{"index":"${open}"}\n${all}`
  return [
    `{"index":"${canary}"}\n${all}`,
    `{"index":"${canary}"}\n${all}`.trimEnd(),
    `{"index":"${canary}"}\r\n${all.trimEnd()}\r\n`,
    `${own}{"index":"${canary}"}\n${all}`,
    own.repeat(2_000) + `{"index":"${canary}"}\n${all}`,
    `{"index":["${open}","${canary}"]}\n${all}`,
    `{"index":"${open},${canary}"}\n${all}`,
    `{"index":["${open},${canary}"]}\n${all}`,
    `{"index":[]}\n${all}`,
    `{"index":""}\n${all}`,
    `{"index":[""]}\n${all}`,
    `{"index":","}\n${all}`,
    `{"index":null}\n${all}`,
    `{"index":[null]}\n${all}`,
    `{"index":"_all"}\n${all}`,
    `{"index":"*"}\n${all}`,
    `{"index":"${stem}*","expand_wildcards":"all"}\n${all}`,
    `{"index":["${stem}*","-${open}"]}\n${all}`,
    `{"index":["-${open}"]}\n${all}`,
    `{"index":"${alias}"}\n${all}`,
    `{"index":"<${canary}>"}\n${all}`,
    `{"indices":"${canary}"}\n${all}`,
    `{"indices":[]}\n${all}`,
    `{"index":"${open}","indices":"${canary}"}\n${all}`,
    `{"indices":"${open}","index":"${canary}"}\n${all}`,
    `{"\\u0069ndex":"${canary}"}\n${all}`,
    `{"index":"${open}","\\u0069ndex":"${canary}"}\n${all}`,
    `{"index":"${canary.replace('-', '\\u002d')}"}\n${all}`,
    `\n{"index":"${canary}"}\n${all}`,
    `{"index":"${open}"}{"index":"${canary}"}\n${all}`,
    `/**/{"index":"${canary}"}\n${all}`,
    `{"index":"${open}"}\n${lookup}`,
    `{"index":"${open}"}\n${lookup.trimEnd()}`,
    `{"index":"${open}"}\n{"query":{"wrapper":{"query":"${Buffer.from(lookup).toString('base64')}"}}}\n`,
  ]
}

/** Those that are refused only where the path names no index. */
function unnamedSearches(): readonly string[] {
  const all = '{"query":{"match_all":{}}}\n'
  return [
    `{}\n${all}`,
    `\n\n${all}`,
    ` \n${all}`,
    `\r\n${all}`,
    `{}\n{}\n`,
    `{"preference":"x"}\n${all}`,
    `5\n${all}`,
    `[]\n${all}`,
  ]
}

function mgetBodies({ stem, canary, open, alias, id }: GuardNames): readonly string[] {
  const doc = `{"_index":"${canary}","_id":"${id}"}`
  const own = `{"_index":"${open}","_id":"${id}"}`
  return [
    `{"docs":[${doc}]}`,
    `{"docs":[${own},${doc}]}`,
    `{"docs":[${doc.replace(canary, alias)}]}`,
    `{"docs":[${doc.replace(canary, `<${canary}>`)}]}`,
    `{"docs":[${doc.replace(canary, `<${stem}-memory-{now/d{'working'}}>`)}]}`,
    `{"docs":[${doc.replace('_index', '\\u005findex')}]}`,
    `{"docs":[${doc.replace(canary, canary.replace('-', '\\u002d'))}]}`,
    `{"docs":[{"_index":["${canary}"],"_id":"${id}"}]}`,
    `{"docs":[{"_index":"${open}","_id":"${id}","_index":"${canary}"}]}`,
    `{"docs":[{"x":{"_index":"${canary}","_id":"${id}"}]}`,
    `{"docs":[{"_id":"${id}","_source":["text"],"_index":"${canary}"}]}`,
    `{"docs":[${own}],"docs":[${doc}]}`,
    `{"docs":[],"d\\u006fcs":[${doc}]}`,
    `{"docs":[/*${own}*/${doc}]}`,
    `{"docs":[${doc}]} trailing`,
    `{"docs":[${doc}]}{"docs":[${own}]}`,
    `{"ids":["${id}"],"docs":[${doc}]}`,
  ]
}

/** Queries that look into the index of memories from an ordinary one. */
function lookups({ canary, alias, id }: GuardNames): readonly string[] {
  const lookup = (index: string): string =>
    `{"terms":{"text.keyword":{"index":${JSON.stringify(index)},"id":"${id}","path":"text"}}}`
  const plain = lookup(canary)
  const wrapped = `{"wrapper":{"query":"${Buffer.from(plain).toString('base64')}"}}`
  return [
    plain,
    lookup(alias),
    lookup(`<${canary}>`),
    plain.replace('"index"', '"\\u0069ndex"'),
    plain.replace('terms', 't\\u0065rms'),
    plain.replace(canary, canary.replace('-', '\\u002d')),
    plain.replace('"id"', '"index":"x","id"'),
    `{"bool":{"filter":${plain}}}`,
    `{"bool":{"must_not":[{"bool":{"should":[${plain}]}}]}}`,
    `{"constant_score":{"filter":${plain}}}`,
    `{"function_score":{"functions":[{"filter":${plain},"weight":2}]}}`,
    `{"dis_max":{"queries":[${plain}]}}`,
    `{"boosting":{"positive":{"match_all":{}},"negative":${plain},"negative_boost":0.5}}`,
    `{"script_score":{"query":${plain},"script":{"source":"1.0"}}}`,
    `{"terms":{"text.keyword":{"index":"${canary}","path":"text","query":{"match_all":{}}}}}`,
    wrapped,
    `{"bool":{"filter":${wrapped}}}`,
    `{"wrapper":{"query":"${Buffer.from(wrapped).toString('base64')}"}}`,
    `{"template":${plain}}`,
    `{"more_like_this":{"fields":["text"],"like":[{"_index":"${canary}","_id":"${id}"}],"min_term_freq":1,"min_doc_freq":1}}`,
    `{"more_like_this":{"fields":["text"],"like":"x","unlike":{"_index":"${canary}","_id":"${id}"}}}`,
    `{"geo_shape":{"place":{"indexed_shape":{"index":"${canary}","id":"${id}","path":"place"}}}}`,
    `{"geo_shape":{"place":{"indexed_shape":{"index":["${canary}"],"id":"${id}","path":"place"}}}}`,
    `{"percolate":{"field":"q","index":"${canary}","id":"${id}"}}`,
  ]
}

/** Bodies of a search in which a query stands elsewhere. */
function places(query: string): readonly string[] {
  return [
    `{"profile":true,"post_filter":${query}}`,
    `{"profile":true,"aggs":{"a":{"filter":${query}}}}`,
    `{"profile":true,"aggs":{"a":{"filters":{"filters":{"b":${query}}}}}}`,
    `{"profile":true,"aggs":{"a":{"filters":{"filters":[${query}]}}}}`,
    `{"profile":true,"aggs":{"a":{"adjacency_matrix":{"filters":{"b":${query}}}}}}`,
    `{"profile":true,"aggs":{"a":{"significant_terms":{"field":"text.keyword","background_filter":${query}}}}}`,
    `{"profile":true,"rescore":{"window_size":5,"query":{"rescore_query":${query}}}}`,
    `{"profile":true,"query":{"match_all":{}},"highlight":{"fields":{"text":{"highlight_query":${query}}}}}`,
    `{"profile":true,"sort":[{"text.keyword":{"order":"asc","nested":{"path":"n","filter":${query}}}}]}`,
    `{"profile":true,"suggest":{"s":{"text":"x","phrase":{"field":"text","collate":{"query":{"source":${JSON.stringify(query)}}}}}}}`,
    `{"profile":true,"search_pipeline":{"request_processors":[{"filter_query":{"query":${query}}}]}}`,
    `{"query":{"match_all":{}},"profile":true,"min_score":0,"post_filter":${query}}`,
    `{"profile":true,"ext":{"generative_qa_parameters":{"llm_question":"x","memory_id":"y"}}}`,
  ]
}

function of(row: string, method: string, target: string, isRead: boolean, made: readonly Form[]): readonly Spelling[] {
  return made.map((form) => ({ row, method, target, isRead, ...form }))
}

const plainForms = (bodies: readonly string[], type: string): readonly Form[] =>
  bodies.map((body) => ({ headers: [type], body }))

/** Every way to name the index in a body. */
export function bodySpellings(names: GuardNames): readonly Spelling[] {
  const { canary, open, id } = names
  const gone = `{"delete":{"_index":"${canary}","_id":"${id}"}}\n`
  const header = `{"index":"${canary}"}\n{"query":{"match_all":{}}}\n`
  const docs = `{"docs":[{"_index":"${canary}","_id":"${id}"}]}`
  const value = { docs: [{ _index: canary, _id: id }] }
  const query = lookups(names)[0] ?? ''
  const search = `{"query":${query},"profile":true}`
  const noBody = `{"docs":[{"_index":"${open}","_id":"${id}"}]}`
  return [
    ...of(INDEX_ROW, 'POST', '/_bulk', false, [...plainForms(bulkBodies(names), NDJSON_HEADER), ...forms(gone, NDJSON_HEADER), ...encodings(gone)]),
    ...of(INDEX_ROW, 'PUT', `/${open}/_bulk`, false, plainForms([gone, `{"index":{}}\n{}\n${gone}`], JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', `/${canary}/_bulk`, false, plainForms(['{"index":{}}\n{"text":"x"}\n', `{"delete":{"_id":"${id}"}}\n`], JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', `/_bulk?index=${canary}`, false, plainForms([`{"delete":{"_id":"${id}"}}\n`], JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', '/_bulk?pipeline=p', false, plainForms([`{"index":{"_index":"${open}"}}\n{}\n`], JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', '/_msearch', true, [...plainForms([...msearchBodies(names), ...unnamedSearches()], NDJSON_HEADER), ...forms(header, NDJSON_HEADER), ...encodings(header)]),
    ...of(INDEX_ROW, 'GET', `/${open}/_msearch`, true, plainForms(msearchBodies(names), JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', `/${canary}/_msearch`, true, plainForms(unnamedSearches(), JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', '/_mget', true, [...plainForms(mgetBodies(names), JSON_HEADER), ...forms(docs, JSON_HEADER), ...encodings(docs), { headers: [JSON_HEADER, GZIP], body: twoFaced(docs, noBody) }, { headers: ['Content-Type: application/yaml'], body: `docs:\n- _index: ${canary}\n  _id: "${id}"\n` }, { headers: ['Content-Type: application/cbor'], body: cbor(value) }, { headers: ['Content-Type: application/smile'], body: smile(value) }]),
    ...of(INDEX_ROW, 'GET', `/${open}/_mget`, true, plainForms(mgetBodies(names), JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', `/${canary}/_mget`, true, plainForms([`{"ids":["${id}"]}`, `{"docs":[{"_id":"${id}"}]}`], JSON_HEADER)),
    ...of(INDEX_ROW, 'GET', `/_mget?index=${canary}`, true, plainForms([`{"ids":["${id}"]}`], JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', '/_mtermvectors', true, plainForms([`{"docs":[{"_index":"${canary}","_id":"${id}","fields":["text"]}]}`, `{"ids":["${id}"],"parameters":{"_index":"${canary}","fields":["text"]}}`], JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', `/${open}/_mtermvectors`, true, plainForms([`{"docs":[{"_index":"${canary}","_id":"${id}","fields":["text"]}]}`], JSON_HEADER)),
    ...of(HIDDEN_ROW, 'POST', `/${open}/_search`, true, [...plainForms(lookups(names).map((inner) => `{"query":${inner},"profile":true}`), JSON_HEADER), ...plainForms(places(query), JSON_HEADER), ...forms(search, JSON_HEADER), ...encodings(search)]),
    ...['_count', '_validate/query?explain=true&rewrite=true', `_explain/${id}`, '_search?explain=true', '_search_shards'].flatMap((rest) => of(HIDDEN_ROW, 'POST', `/${open}/${rest}`, true, plainForms(lookups(names).slice(0, 4).map((inner) => `{"query":${inner}}`), JSON_HEADER))),
    ...['_delete_by_query', '_update_by_query'].flatMap((rest) => of(HIDDEN_ROW, 'POST', `/${open}/${rest}`, false, plainForms([`{"query":${query}}`, `{"query":{"wrapper":{"query":"e30="}}}`], JSON_HEADER))),
    ...of(HIDDEN_ROW, 'POST', `/${open}/_field_caps?fields=*`, true, plainForms([`{"index_filter":${query}}`], JSON_HEADER)),
    ...of(INDEX_ROW, 'POST', '/_search', true, plainForms(['{}', '{"query":{"match_all":{}}}', '{"pit":{"id":""}}', '{"query":{"pit":{"id":"x"}}}', '{"pit":null}', ' '], JSON_HEADER)),
    ...of(INDEX_ROW, 'GET', '/_search', true, [{ headers: [], body: '', chunkBytes: 1 }, { headers: [JSON_HEADER, GZIP], body: gzipSync('') }]),
  ] // prettier-ignore
}

/** Everything that a query of the target can say: the index, and bodies. */
export function parameterSpellings({ canary, open, alias, stem, id }: GuardNames): readonly Spelling[] {
  const source = encodeURIComponent(
    `{"query":{"terms":{"text.keyword":{"index":"${canary}","id":"${id}","path":"text"}}},"profile":true}`,
  )
  const docs = encodeURIComponent(`{"docs":[{"_index":"${canary}","_id":"${id}"}]}`)
  const searches = encodeURIComponent(`{"index":"${canary}"}\n{}\n`)
  const json = 'source_content_type=application%2Fjson'
  return [
    `/_search?index=${canary}`,
    `/_search?index=${open},${canary}`,
    `/_search?index=${open}%2C${canary}`,
    `/_search?index=${stem}*`,
    `/_search?index=${stem}%2a`,
    `/_search?index=_all`,
    `/_search?index=*`,
    `/_search?index=`,
    `/_search?index`,
    `/_search?index=,`,
    `/_search?index=-x`,
    `/_search?index=${alias}`,
    `/_search?index=%3C${canary}%3E`,
    `/_search?index=<${canary}>`,
    `/_search?%69ndex=${canary}`,
    `/_search?%69%6e%64%65%78=${canary}`,
    `/_search?x=1;index=${canary}`,
    `/_search?x=1%3Bindex=${canary}`,
    `/_search?;index=${canary}`,
    `/_search?&&index=${canary}`,
    `/_search?=index=${canary}`,
    `/_search?index=${open}&index=${canary}`,
    `/_search?index=${canary}&index=${open}`,
    `/_search?index=${open};index=${canary}`,
    `/_search?index=${canary}#&index=${open}`,
    `/_search#?index=${canary}`,
    `/_search?index=${canary.replace('-', '%2d')}`,
    `/_search?index=+${canary}`,
    `/_search?index=${canary}+`,
    `/_search?index=${canary}%00`,
    `/_search?index=%zz${canary}`,
    `/_search?index[]=${canary}`,
    `/${open}/_search?index=${canary}`,
    `/${open}/_search?index=*`,
    `/_count?index=${canary}`,
    `/_mapping?index=${canary}`,
    `/_cat/count?index=${canary}`,
    `/_cat/indices?index=${canary}&format=json`,
    `/_search?q=*&allow_no_indices=true&expand_wildcards=hidden`,
    `/${open}/_search?source=${source}&${json}`,
    `/_search?source=${encodeURIComponent('{}')}&${json}`,
    `/_mget?source=${docs}&${json}`,
    `/${open}/_mget?source=${docs}&${json}`,
    `/_msearch?source=${searches}&${json}`,
    `/${open}/_count?s%6furce=${source}&${json}`,
    `/${open}/_validate/query?explain=true&source=${source}&${json}`,
    `/${open}/_search?${json}&source=${source}`,
  ].map((target) => ({ row: INDEX_ROW, method: 'GET', target, isRead: true })) // prettier-ignore
}
