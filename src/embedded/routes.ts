import { bulk } from './bulk.ts'
import { getDocument, getSource } from './document-reads.ts'
import { createDocument, deleteDocument, indexDocument } from './document-writes.ts'
import { createIndex, deleteIndex, getIndex, indexStats, refreshIndex } from './index-actions.ts'
import { mget } from './mget.ts'
import { decodeSegment, escapeComplaint } from './parameters.ts'
import type { Handler } from './requests.ts'
import { count, search } from './search.ts'
import { serverInfo } from './server-info.ts'

type Methods = Readonly<Record<string, Handler>>

/** Every path that the store serves. The order of the methods is the one in which an `Allow` names them. */
const ROUTES: readonly (readonly [path: string, methods: Methods])[] = [
  ['/', { HEAD: serverInfo, GET: serverInfo, DELETE: deleteIndex }],
  ['/_bulk', { PUT: bulk, POST: bulk }],
  ['/_mget', { GET: mget, POST: mget }],
  ['/_search', { GET: search, POST: search }],
  ['/_count', { GET: count, POST: count }],
  ['/_refresh', { GET: refreshIndex, POST: refreshIndex }],
  ['/_stats', { GET: indexStats }],
  ['/_stats/{metric}', { GET: indexStats }],
  ['/{index}', { HEAD: getIndex, GET: getIndex, PUT: createIndex, DELETE: deleteIndex }],
  ['/{index}/_bulk', { PUT: bulk, POST: bulk }],
  ['/{index}/_mget', { GET: mget, POST: mget }],
  ['/{index}/_search', { GET: search, POST: search }],
  ['/{index}/_count', { GET: count, POST: count }],
  ['/{index}/_refresh', { GET: refreshIndex, POST: refreshIndex }],
  ['/{index}/_stats', { GET: indexStats }],
  ['/{index}/_stats/{metric}', { GET: indexStats }],
  ['/{index}/_doc', { POST: indexDocument }],
  [
    '/{index}/_doc/{id}',
    { HEAD: getDocument, GET: getDocument, PUT: indexDocument, POST: indexDocument, DELETE: deleteDocument },
  ],
  ['/{index}/_create/{id}', { PUT: createDocument, POST: createDocument }],
  ['/{index}/_source/{id}', { HEAD: getSource, GET: getSource }],
]

export type Routing =
  | { readonly kind: 'found'; readonly handler: Handler; readonly bindings: readonly (readonly [string, string])[] }
  | { readonly kind: 'wrongMethod'; readonly allowed: readonly string[] }
  /** A segment cannot be decoded: the server gives up on the path, and blames the method. */
  | { readonly kind: 'undecodable'; readonly allowed: readonly string[] }
  | { readonly kind: 'noRoute' }

/** Finds the handler of a path, as it was sent. A literal segment goes before a variable one. */
export function route(method: string, path: string): Routing {
  const segments = splitPath(path)
  const matches = ROUTES.map(([pattern, methods]) => ({ pattern: splitPath(pattern), methods })).filter(({ pattern }) =>
    matchesPattern(pattern, segments),
  )
  const best = matches.sort((a, b) => literals(b.pattern) - literals(a.pattern))[0]
  if (best === undefined) return { kind: 'noRoute' }
  const allowed = Object.keys(best.methods)
  if (segments.some((segment) => escapeComplaint(segment) !== undefined)) return { kind: 'undecodable', allowed }
  const handler = best.methods[method]
  if (handler === undefined) return { kind: 'wrongMethod', allowed }
  const bindings = best.pattern.flatMap((name, i): (readonly [string, string])[] =>
    isVariable(name) ? [[name.slice(1, -1), decodeSegment(segments[i] ?? '')]] : [],
  )
  return { kind: 'found', handler, bindings }
}

/** Slashes at the end do not count; one in the middle makes an empty segment, which no pattern has. */
function splitPath(path: string): readonly string[] {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? [] : trimmed.slice(1).split('/')
}

function matchesPattern(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false
  return pattern.every((name, i) => (isVariable(name) ? segments[i] !== '' : name === segments[i]))
}

function literals(pattern: readonly string[]): number {
  // The earlier a literal, the more it weighs: /_stats/{metric} goes before /{index}/_stats.
  return pattern.reduce((sum, name) => sum * 2 + (isVariable(name) ? 0 : 1), 0)
}

function isVariable(name: string): boolean {
  return name.startsWith('{')
}
