import { illegalArgument, parseFailure } from './errors.ts'
import type { JsonReader, Token } from './json-reader.ts'
import { parsingFailure } from './query-errors.ts'
import { isScalar, readSourceObject, readTexts, sourceFromScalar } from './source-body.ts'
import type { SourceFilter } from './source-filter.ts'
import { parseInteger } from './parameters.ts'

/** One document that an `_mget` asks for. */
export interface WantedDocument {
  readonly index: string | undefined
  readonly id: string | undefined
  readonly version: bigint | undefined
  readonly source: SourceFilter
}

export interface MgetDefaults {
  readonly index: string | undefined
  readonly source: SourceFilter
}

/** Reads the body of an `_mget`. What follows the closing brace is never looked at, as on the server. */
export function parseMget(reader: JsonReader, defaults: MgetDefaults): readonly WantedDocument[] {
  const wanted: WantedDocument[] = []
  const start = reader.require()
  if (start.type !== 'START_OBJECT')
    throw parsingFailure(reader, start, `unexpected token [${start.type}], expected [START_OBJECT]`)
  let key = ''
  for (let token = reader.require(); token.type !== 'END_OBJECT'; token = reader.require()) {
    if (token.type === 'FIELD_NAME') key = token.text
    else if (token.type !== 'START_ARRAY') {
      throw parsingFailure(reader, token, `unexpected token [${token.type}], expected [FIELD_NAME] or [START_ARRAY]`)
    } else if (key === 'docs') wanted.push(...readDocs(reader, defaults))
    else if (key === 'ids') wanted.push(...readIds(reader, defaults))
    else throw parsingFailure(reader, token, `unknown key [${key}] for a START_ARRAY, expected [docs] or [ids]`)
  }
  return wanted
}

function readIds(reader: JsonReader, defaults: MgetDefaults): readonly WantedDocument[] {
  const wanted: WantedDocument[] = []
  for (let token = reader.require(); token.type !== 'END_ARRAY'; token = reader.require()) {
    if (!isScalar(token)) throw illegalArgument('ids array element should only contain ids')
    wanted.push({ ...defaults, id: token.text, version: undefined })
  }
  return wanted
}

function readDocs(reader: JsonReader, defaults: MgetDefaults): readonly WantedDocument[] {
  const wanted: WantedDocument[] = []
  for (let token = reader.require(); token.type !== 'END_ARRAY'; token = reader.require()) {
    if (token.type !== 'START_OBJECT') throw illegalArgument('docs array element should include an object')
    wanted.push(readDoc(reader, defaults))
  }
  return wanted
}

function readDoc(reader: JsonReader, defaults: MgetDefaults): WantedDocument {
  let doc: WantedDocument = { ...defaults, id: undefined, version: undefined }
  let key = ''
  for (let token = reader.require(); token.type !== 'END_OBJECT'; token = reader.require()) {
    if (token.type === 'FIELD_NAME') key = token.text
    else if (isScalar(token)) doc = { ...doc, ...readScalar(token, key) }
    else if (key !== '_source') continue
    else if (token.type === 'START_ARRAY')
      doc = { ...doc, source: { fetch: true, includes: readTexts(reader), excludes: [] } }
    else if (token.type === 'START_OBJECT') doc = { ...doc, source: readSourceObject(reader) }
  }
  return doc
}

function readScalar(token: Token, key: string): Partial<WantedDocument> {
  switch (key) {
    case '_index':
      return { index: token.text }
    case '_id':
      return { id: token.text }
    case 'routing':
      return {}
    case 'version':
      return { version: parseInteger(token.text, 2n ** 63n) }
    case '_source':
      return { source: sourceFromScalar(token) }
    default:
      throw parseFailure(`failed to parse multi get request. unknown field [${key}]`)
  }
}
