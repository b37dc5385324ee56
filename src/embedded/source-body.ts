import { illegalArgument, parseFailure } from './errors.ts'
import type { JsonReader, Token } from './json-reader.ts'
import type { SourceFilter } from './source-filter.ts'

/** Whether a token is a value that has a text: not an object, a list or null. */
export function isScalar(token: Token): boolean {
  return token.type === 'VALUE_STRING' || token.type === 'VALUE_NUMBER' || token.type === 'VALUE_BOOLEAN'
}

/** Reads the rest of a list of texts. */
export function readTexts(reader: JsonReader): readonly string[] {
  const texts: string[] = []
  for (let token = reader.require(); token.type !== 'END_ARRAY'; token = reader.require()) texts.push(token.text)
  return texts
}

/** `"_source": true`, `false` or one pattern. */
export function sourceFromScalar(token: Token): SourceFilter {
  if (token.type === 'VALUE_NUMBER') throw parseFailure(`illegal type for _source: [${token.type}]`)
  if (token.text === 'true' || token.text === 'false')
    return { fetch: token.text === 'true', includes: [], excludes: [] }
  return { fetch: true, includes: [token.text], excludes: [] }
}

/** `"_source": {"includes": ..., "excludes": ...}`, whose opening brace has been read. */
export function readSourceObject(reader: JsonReader): SourceFilter {
  const lists: Record<'includes' | 'excludes', readonly string[]> = { includes: [], excludes: [] }
  for (let name = reader.require(); name.type !== 'END_OBJECT'; name = reader.require()) {
    const list = listName(name.text)
    const value = reader.require()
    lists[list] = value.type === 'START_ARRAY' ? readTexts(reader) : [value.text]
  }
  return { fetch: true, ...lists }
}

function listName(key: string): 'includes' | 'excludes' {
  if (key === 'includes' || key === 'include') return 'includes'
  if (key === 'excludes' || key === 'exclude') return 'excludes'
  throw illegalArgument(`The embedded store does not support [${key}] in _source`)
}
