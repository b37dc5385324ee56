import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { parseAllDocuments } from 'yaml'

import { isObject } from './json.ts'
import type { Json } from './json.ts'

/** One step: its kind (`do`, `match`, ...) and what it says. */
export interface Step {
  readonly kind: string
  readonly content: Json
}

export interface RestTest {
  /** As in `search/10_source_filtering.yml`. */
  readonly file: string
  readonly name: string
  readonly setup: readonly Step[]
  readonly steps: readonly Step[]
  readonly teardown: readonly Step[]
}

/** The YAML files of the suite, by their paths below `test/`, sorted; of some folders, or some files, only if they are named. */
export async function listFiles(suite: string, only?: readonly string[]): Promise<string[]> {
  const all = await readdir(join(suite, 'test'), { recursive: true })
  const files = all.filter((file) => file.endsWith('.yml')).sort()
  return only === undefined
    ? files
    : files.filter((file) => only.includes(file) || only.includes(file.split('/')[0] ?? ''))
}

/** The tests of one file, each with the file's setup and teardown. */
export async function loadTests(suite: string, file: string): Promise<RestTest[]> {
  const text = await readFile(join(suite, 'test', file), 'utf8')
  const sections = parseSections(text) ?? parseSections(joinLooseLines(text))
  if (sections === undefined) throw new Error(`${file} is not YAML`)
  const named = (wanted: string): Step[] => sections.find(([name]) => name === wanted)?.[1] ?? []
  return sections
    .filter(([name]) => name !== 'setup' && name !== 'teardown')
    .map(([name, steps]) => ({ file, name, setup: named('setup'), steps, teardown: named('teardown') }))
}

function parseSections(text: string): [string, Step[]][] | undefined {
  const options = { uniqueKeys: false, intAsBigInt: true, strict: false, logLevel: 'silent' } as const
  const documents = parseAllDocuments(text, options)
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined
  return documents.flatMap((document): [string, Step[]][] => {
    const content = narrowIntegers(document.toJS() as Json)
    return isObject(content) ? Object.entries(content).map(([name, steps]) => [name, readSteps(steps)]) : []
  })
}

/** The server's YAML parser lets the lines of an open bracket or quote stand at any indentation, which YAML does not: they become one line. */
function joinLooseLines(text: string): string {
  const lines: string[] = []
  let open = ''
  for (const line of text.split('\n')) {
    open = open === '' ? line : `${open} ${line.trim()}`
    if (isOpen(open)) {
      open = open.replace(/\s#[^"]*$/, '')
      continue
    }
    lines.push(open)
    open = ''
  }
  return [...lines, open].join('\n')
}

/** Whether a bracket or a double quote of the line is not closed in it. */
function isOpen(line: string): boolean {
  const outside = line.replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/(?:^|\s)#.*$/, '')
  const count = (pattern: RegExp): number => outside.match(pattern)?.length ?? 0
  return outside.includes('"') || count(/[[{]/g) > count(/[\]}]/g)
}

function readSteps(content: Json): Step[] {
  if (!Array.isArray(content)) return []
  return content.flatMap((step) =>
    isObject(step) ? Object.entries(step).map(([kind, detail]) => ({ kind, content: detail })) : [],
  )
}

/** Integers that a double holds become numbers, as in `parseJson`. */
function narrowIntegers(value: Json): Json {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (Array.isArray(value)) return value.map(narrowIntegers)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, narrowIntegers(member)]))
}
