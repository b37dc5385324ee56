import type { MemoryOperation } from '../../src/core/memory-routes.ts'
import type { Route } from '../../src/core/route.ts'

/** A request line, what it is taken for, and why: `refused` where two parsers could read it two ways. */
export interface TargetCase {
  readonly sentence: string
  readonly method: string
  readonly target: string
  readonly expected: Route | 'refused'
}

const PREFIX = '/_plugins/_ml/memory_containers'
const PLAIN = `${PREFIX}/c/memories/working/m`

function memory(containerId: string, typeText: string, memoryId: string): Route {
  return { kind: 'deleteMemory', containerId, typeText, memoryId }
}

function asked(kind: MemoryOperation, containerId = '', typeText = '', memoryId = ''): Route {
  return { kind, containerId, typeText, memoryId }
}

function legacyMemory(memoryId: string): Route {
  return { kind: 'deleteLegacyMemory', memoryId }
}

function wrong(...allow: readonly string[]): Route {
  return { kind: 'wrongMethod', dialect: 'opensearch', allow }
}

const wrongLegacy: Route = { kind: 'wrongMethod', dialect: 'memoryPlugin', allow: ['DELETE'] }
const preflight: Route = { kind: 'legacyOptions', allow: ['DELETE'] }
const noHandler: Route = { kind: 'noHandler' }
const unknownLegacyPath: Route = { kind: 'unknownLegacyPath' }
const unknown = asked('unknownMemoryRoute')
const passThrough: Route = { kind: 'passThrough' }

function row(sentence: string, line: string, expected: TargetCase['expected']): TargetCase {
  const space = line.indexOf(' ')
  return { sentence, method: line.slice(0, space), target: line.slice(space + 1), expected }
}

export const memoryTargets: readonly TargetCase[] = [
  row('a memory is deleted', `DELETE ${PLAIN}`, memory('c', 'working', 'm')),
  row('a slash at the end means nothing to the server', `DELETE ${PLAIN}/`, memory('c', 'working', 'm')),
  row('nor do several', `DELETE ${PLAIN}///`, memory('c', 'working', 'm')),
  row('a query is no part of the path', `DELETE ${PLAIN}?a/b/../c`, memory('c', 'working', 'm')),
  row('an empty query neither', `DELETE ${PLAIN}?`, memory('c', 'working', 'm')),
  row(
    'the type goes on as it was sent: whoever is not known hears no more',
    `DELETE ${PREFIX}/c/memories/foo/m`,
    memory('c', 'foo', 'm'),
  ),
  row('in capitals too', `DELETE ${PREFIX}/c/memories/WORKING/m`, memory('c', 'WORKING', 'm')),
  row('the server decodes a parameter', `DELETE ${PREFIX}/c/memories/work%69ng/m`, memory('c', 'working', 'm')),
  row('each parameter', `DELETE ${PREFIX}/%63/memories/%77orking/%6D`, memory('c', 'working', 'm')),
  row('a plus in a path is a plus', `DELETE ${PREFIX}/a+b/memories/working/c+d`, memory('a+b', 'working', 'c+d')),
  row('an encoded slash is part of an id', `DELETE ${PREFIX}/c/memories/working/a%2Fb`, memory('c', 'working', 'a/b')),
  row('in small letters too', `DELETE ${PREFIX}/c/memories/working/a%2fb`, memory('c', 'working', 'a/b')),
  row('part of a container too', `DELETE ${PREFIX}/a%2Fb/memories/working/m`, memory('a/b', 'working', 'm')),
  row(
    'a type with a slash is no type, which is found out later',
    `DELETE ${PREFIX}/c/memories/working%2F/m`,
    memory('c', 'working/', 'm'),
  ),
  row(
    'what was encoded twice is decoded once',
    `DELETE ${PREFIX}/c/memories/working/a%252Fb`,
    memory('c', 'working', 'a%2Fb'),
  ),
  row('even if it spells dots', `DELETE ${PREFIX}/c/memories/working/%252e%252e`, memory('c', 'working', '%2e%2e')),
  row('a NUL is a character', `DELETE ${PREFIX}/c/memories/working/a%00b`, memory('c', 'working', 'a\0b')),
  row('so is a line break', `DELETE ${PREFIX}/c/memories/working/a%0D%0Ab`, memory('c', 'working', 'a\r\nb')),
  row('so is a blank', `DELETE ${PREFIX}/c/memories/working/%20`, memory('c', 'working', ' ')),
  row(
    'so is one beyond the basic plane',
    `DELETE ${PREFIX}/c/memories/working/%F0%9F%98%80`,
    memory('c', 'working', '😀'),
  ),
  row('a backslash can be encoded', `DELETE ${PREFIX}/c/memories/working/a%5Cb`, memory('c', 'working', 'a\\b')),
  row(
    'dots with a backslash between are an id',
    `DELETE ${PREFIX}/c/memories/working/..%5Cm`,
    memory('c', 'working', '..\\m'),
  ),
  row(
    'dots with an encoded slash are an id',
    `DELETE ${PREFIX}/c/memories/working/..%2Fm`,
    memory('c', 'working', '../m'),
  ),
  row('three dots are an id', `DELETE ${PREFIX}/c/memories/working/...`, memory('c', 'working', '...')),
  row('a dot at its end is part of an id', `DELETE ${PREFIX}/c/memories/working/m.`, memory('c', 'working', 'm.')),
  row(
    'a dot at its end is part of a type, which is none then',
    `DELETE ${PREFIX}/c/memories/working./m`,
    memory('c', 'working.', 'm'),
  ),
  row('a semicolon is part of an id', `DELETE ${PREFIX}/c/memories/working/m;x=1`, memory('c', 'working', 'm;x=1')),
  row(
    'part of a type, which is none then',
    `DELETE ${PREFIX}/c/memories/working;x=1/m`,
    memory('c', 'working;x=1', 'm'),
  ),
  row('a number sign is data', `DELETE ${PREFIX}/c/memories/working/m#x`, memory('c', 'working', 'm#x')),
  row('so is a slash after it', `DELETE ${PREFIX}/c/memories/working/m#/x`, unknown),
  row(
    'an encoded question mark is part of an id',
    `DELETE ${PREFIX}/c/memories/working/m%3Fx`,
    memory('c', 'working', 'm?x'),
  ),
  row('an asterisk is an id', `DELETE ${PREFIX}/c/memories/working/*`, memory('c', 'working', '*')),
  row('a list is an id', `DELETE ${PREFIX}/a,b/memories/working/c,d`, memory('a,b', 'working', 'c,d')),
  row(
    'date math is an id',
    `DELETE ${PREFIX}/c/memories/working/%3Cx-%7Bnow%7D%3E`,
    memory('c', 'working', '<x-{now}>'),
  ),
  row(
    'what every object has is an id',
    `DELETE ${PREFIX}/__proto__/memories/working/constructor`,
    memory('__proto__', 'working', 'constructor'),
  ),
  row(
    'an operation of another place is an id here',
    `DELETE ${PREFIX}/c/memories/working/_bulk`,
    memory('c', 'working', '_bulk'),
  ),
  row('an empty segment is no container', `DELETE ${PREFIX}//memories/working/m`, noHandler),
  row('nor is it skipped', `DELETE ${PREFIX}/c//memories/working/m`, noHandler),
  row('anywhere', `DELETE ${PREFIX}/c/memories/working//m`, noHandler),
  row('no id', `DELETE ${PREFIX}/c/memories/working`, noHandler),
  row('no type, but something may be put there', `DELETE ${PREFIX}/c/memories`, wrong('POST')),
  row('no id where sessions are made', `DELETE ${PREFIX}/c/memories/sessions`, wrong('POST')),
  row('a path deeper than any', `DELETE ${PLAIN}/x`, unknown),
  row('capitals in a fixed part make another path', `DELETE ${PREFIX}/c/Memories/working/m`, unknown),
  row('so does a semicolon', `DELETE ${PREFIX}/c/memories;x/working/m`, unknown),
  row('so does a dot', `DELETE ${PREFIX}/c/memories./working/m`, unknown),
  row('an encoded letter in a fixed part is read two ways', `DELETE ${PREFIX}/c/mem%6Fries/working/m`, 'refused'),
  row('in an operation too', `DELETE ${PREFIX}/c/memories/working/%5Fsearch`, 'refused'),
  row('and whatever the method', `POST ${PREFIX}/c/memories/working/_delete_by_quer%79`, 'refused'),
  row('searches are not deleted', `DELETE ${PREFIX}/c/memories/working/_search`, wrong('GET', 'POST')),
  row('nor deletes by query', `DELETE ${PREFIX}/c/memories/working/_delete_by_query`, wrong('POST')),
  row('a memory is read', `GET ${PLAIN}`, asked('getMemory', 'c', 'working', 'm')),
  row('or updated', `PUT ${PLAIN}`, asked('updateMemory', 'c', 'working', 'm')),
  row('a method that no memory has', `POST ${PLAIN}`, wrong('DELETE', 'PUT', 'GET')),
  row('without a body either', `HEAD ${PLAIN}`, wrong('DELETE', 'PUT', 'GET')),
  row('none is made up', `PATCH ${PLAIN}`, wrong('DELETE', 'PUT', 'GET')),
  row('nor is the request echoed', `TRACE ${PLAIN}`, wrong('DELETE', 'PUT', 'GET')),
  row('methods are in capitals', `delete ${PLAIN}`, wrong('DELETE', 'PUT', 'GET')),
  row('a container is deleted', `DELETE ${PREFIX}/c`, asked('deleteContainer', 'c')),
  row('it is changed as well', `PUT ${PREFIX}/c`, asked('updateContainer', 'c')),
  row('containers are searched', `POST ${PREFIX}/_search`, asked('searchContainers')),
  row(
    'memories are deleted by query',
    `POST ${PREFIX}/c/memories/working/_delete_by_query`,
    asked('deleteByQuery', 'c', 'working'),
  ),
  row('the prefix alone is no route that is known', `GET ${PREFIX}`, unknown),
]

export const prefixTargets: readonly TargetCase[] = [
  row('an encoded letter in the prefix', `DELETE /_plugin%73/_ml/memory_containers/c/memories/working/m`, 'refused'),
  row('in its second part', `DELETE /_plugins/%5Fml/memory_containers/c/memories/working/m`, 'refused'),
  row('in its third part', `DELETE /_plugins/_ml/memory%5Fcontainers/c/memories/working/m`, 'refused'),
  row('capitals in the prefix', `DELETE /_Plugins/_ml/memory_containers/c/memories/working/m`, 'refused'),
  row('in its third part', `DELETE /_plugins/_ml/MEMORY_CONTAINERS/c/memories/working/m`, 'refused'),
  row('two slashes at the start', `DELETE /${PLAIN}`, 'refused'),
  row('any number of them', `DELETE //${PLAIN}`, 'refused'),
  row('a host after them', `DELETE //elsewhere.test${PLAIN}`, 'refused'),
  row(
    'whatever it is spelt like',
    `DELETE //u:p@[::1]:9200//_PLUGINS/_ml/memory%5Fcontainers/c/memories/working/m`,
    'refused',
  ),
  row('two slashes in the prefix', `DELETE /_plugins//_ml/memory_containers/c/memories/working/m`, 'refused'),
  row('an encoded slash in the prefix', `DELETE /_plugins%2F_ml/memory_containers/c/memories/working/m`, 'refused'),
  row(
    'an encoded slash at the end of the prefix',
    `DELETE /_plugins/_ml/memory_containers%2Fc/memories/working/m`,
    'refused',
  ),
  row('an encoded slash at the start', `DELETE /%2F_plugins/_ml/memory_containers/c/memories/working/m`, 'refused'),
  row('a dot segment in the prefix', `DELETE /_plugins/./_ml/memory_containers/c/memories/working/m`, 'refused'),
  row('a way out and back in', `DELETE /x/..${PLAIN}`, 'refused'),
  row('the same, encoded', `DELETE /x/%2e%2e${PLAIN}`, 'refused'),
  row('half encoded', `DELETE /x/.%2E${PLAIN}`, 'refused'),
  row('a way out at the end', `DELETE ${PLAIN}/..`, 'refused'),
  row('a dot at the end', `DELETE ${PLAIN}/.`, 'refused'),
  row('a dot segment for an id', `DELETE ${PREFIX}/c/memories/working/.`, 'refused'),
  row('encoded', `DELETE ${PREFIX}/c/memories/working/%2E`, 'refused'),
  row('two of them for a container', `DELETE ${PREFIX}/../memories/working/m`, 'refused'),
  row('for a type', `DELETE ${PREFIX}/c/memories/%2e%2e/m`, 'refused'),
  row('a backslash for a slash', `DELETE /_plugins\\_ml/memory_containers/c/memories/working/m`, 'refused'),
  row('a backslash in an id', `DELETE ${PREFIX}/c/memories/working/a\\b`, 'refused'),
  row('a backslash at the start', `DELETE /\\x`, 'refused'),
  row('a backslash in a query is data', `DELETE ${PLAIN}?\\`, memory('c', 'working', 'm')),
  row(
    'a semicolon in the prefix makes another path, for the cluster as for us',
    `DELETE /_plugins;x/_ml/memory_containers/c/memories/working/m`,
    passThrough,
  ),
  row('so does a dot', `DELETE /_plugins./_ml/memory_containers/c/memories/working/m`, passThrough),
  row('so does a NUL', `DELETE /_plugins%00/_ml/memory_containers/c/memories/working/m`, passThrough),
  row('so does an encoded backslash', `DELETE /_plugins%5C_ml/memory_containers/c/memories/working/m`, passThrough),
  row('so does what is encoded twice', `DELETE /_plugin%2573/_ml/memory_containers/c/memories/working/m`, passThrough),
  row('so does anything in front', `DELETE /x${PLAIN}`, passThrough),
  row('so does anything behind', `DELETE /_plugins/_ml/memory_containersx/c/memories/working/m`, passThrough),
  row("a part of the prefix is the cluster's", 'GET /_plugins/_ml', passThrough),
  row("its neighbour is the cluster's", 'GET /_plugins/_ml/models/x', passThrough),
  row('a percent sign at the end', `DELETE ${PLAIN}%`, 'refused'),
  row('half an escape', `DELETE ${PLAIN}%4`, 'refused'),
  row('no hexadecimal', `DELETE ${PLAIN}%zz`, 'refused'),
  row('anywhere in the path', 'GET /x/%zz/_search', 'refused'),
  row('a byte that is not UTF-8', `DELETE ${PLAIN}%ff`, 'refused'),
  row('an over-long slash', `DELETE ${PLAIN}%c0%af`, 'refused'),
  row('an over-long dot', `DELETE ${PREFIX}/c/memories/working/%c0%ae`, 'refused'),
  row('half of a surrogate pair', `DELETE ${PLAIN}%ed%a0%80`, 'refused'),
  row('a character cut off', `DELETE ${PLAIN}%f0%9f%98`, 'refused'),
  row('raw letters beyond ASCII', `DELETE ${PLAIN}é`, 'refused'),
  row('a raw space', `DELETE ${PLAIN} x`, 'refused'),
  row('a raw tab', `DELETE ${PLAIN}\tx`, 'refused'),
  row('a raw NUL', `DELETE ${PLAIN}\0`, 'refused'),
  row('a raw control character in the query', `DELETE ${PLAIN}?a\x7f`, 'refused'),
  row('a whole URL names a host', `DELETE http://cluster:9200${PLAIN}`, 'refused'),
  row('in whatever scheme', `DELETE file://${PLAIN}`, 'refused'),
  row('a scheme without a host', `DELETE http:${PLAIN}`, 'refused'),
  row('two slashes name a host to some', `DELETE //cluster:9200${PLAIN}`, 'refused'),
  row('a path without its slash', 'DELETE _plugins/_ml/memory_containers/c/memories/working/m', 'refused'),
  row('an authority', 'CONNECT cluster:9200', 'refused'),
  row('an asterisk', 'OPTIONS *', 'refused'),
  row('nothing at all', 'GET ', 'refused'),
  row('nothing but a query', 'GET ?x', 'refused'),
  row("the root is the cluster's", 'GET /', passThrough),
  row('with a query too', 'GET /?pretty', passThrough),
  row("an index is the cluster's", 'DELETE /some-memory-working/_doc/m', passThrough),
]

export const legacyTargets: readonly TargetCase[] = [
  row('a memory is deleted', 'DELETE /api/memories/m', legacyMemory('m')),
  row('with a slash at the end', 'DELETE /api/memories/m/', legacyMemory('m')),
  row('with a query', 'DELETE /api/memories/m?x=/y/z', legacyMemory('m')),
  row('with an encoded slash in its id', 'DELETE /api/memories/a%2Fb', legacyMemory('a/b')),
  row('encoded twice', 'DELETE /api/memories/a%252Fb', legacyMemory('a%2Fb')),
  row('that is an operation elsewhere', 'DELETE /api/memories/bulk-delete', legacyMemory('bulk-delete')),
  row('without an id, which is found out later', 'DELETE /api/memories', legacyMemory('')),
  row('without an id, with a slash', 'DELETE /api/memories/', legacyMemory('')),
  row('blank, which is found out later', 'DELETE /api/memories/%20', legacyMemory(' ')),
  row('other methods are not known', 'GET /api/memories/m', wrongLegacy),
  row('for the list neither', 'POST /api/memories', wrongLegacy),
  row('nor in small letters', 'delete /api/memories/m', wrongLegacy),
  row('nor without a body', 'HEAD /api/memories/m', wrongLegacy),
  row('a preflight may be answered', 'OPTIONS /api/memories/m', preflight),
  row('for the list too', 'OPTIONS /api/memories', preflight),
  row('a deeper path', 'DELETE /api/memories/m/x', unknownLegacyPath),
  row('whatever the method', 'OPTIONS /api/memories/m/x', unknownLegacyPath),
  row('an empty segment', 'DELETE /api/memories//m', unknownLegacyPath),
  row('capitals', 'DELETE /API/memories/m', 'refused'),
  row('capitals in the second part', 'DELETE /api/Memories/m', 'refused'),
  row('an encoded letter', 'DELETE /ap%69/memories/m', 'refused'),
  row('an encoded slash', 'DELETE /api%2Fmemories/m', 'refused'),
  row('an encoded slash before the id', 'DELETE /api/memories%2Fm', 'refused'),
  row('two slashes', 'DELETE /api//memories/m', 'refused'),
  row('two slashes at the start', 'DELETE //api/memories/m', 'refused'),
  row('a host before it', 'DELETE //elsewhere.test/api/memories/m', 'refused'),
  row("without a word of ours it is the cluster's", 'GET //elsewhere.test/x', passThrough),
  row('a dot segment', 'DELETE /api/./memories/m', 'refused'),
  row('dots for an id', 'DELETE /api/memories/..', 'refused'),
  row('a way out', 'DELETE /api/memories/../../_all', 'refused'),
  row('a backslash', 'DELETE /api\\memories/m', 'refused'),
  row("a longer word is the cluster's", 'GET /api/memoriesx', passThrough),
  row('so is a shorter path', 'GET /api', passThrough),
  row('so is a semicolon', 'DELETE /api/memories;x/m', passThrough),
]
