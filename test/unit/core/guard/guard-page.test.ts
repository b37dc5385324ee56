import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { GUARD_REQUESTS } from '../../../vectors/guard-requests.ts'
import { decide } from './guarded-world.ts'

function cell(line: string, scope: string): string {
  const { refusals, body } = decide(line, { scopes: [scope] })
  if (refusals.length > 0) return 'no'
  if (body === undefined) return 'yes'
  return body.unnamed.length > 0 ? 'named' : 'body'
}

const SCOPES = ['opensearch:read', 'opensearch:write', 'opensearch:admin']

/** The rows of the page, from the vectors and the decisions on them. */
const ROWS = GUARD_REQUESTS.filter(({ onPage }) => onPage === true).map(({ what, method, target }) => {
  const line = `${method} ${target}`
  const shown = line.replaceAll('guarded-sec-memory-working', 'x-memory-working').replaceAll('guarded-', 'my-')
  return { what, shown: `\`${shown}\``, cells: SCOPES.map((scope) => cell(line, scope)) }
})

function draw(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const drawn = lines.map((line) => `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  return [drawn[0], `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...drawn.slice(1)].join('\n')
}

async function tableIn(file: string): Promise<string | undefined> {
  const page = await readFile(join(import.meta.dirname, '../../../..', file), 'utf8')
  return /<!-- guard table -->\n\n?([^]*?)\n\n?<!-- \/guard table -->/.exec(page)?.[1]
}

test('the table of docs/guard.md is what the guard decides', async () => {
  const head = ['request', 'as in', ...SCOPES.map((scope) => `\`${scope}\``)]
  expect(await tableIn('docs/guard.md')).toBe(
    draw([head, ...ROWS.map(({ what, shown, cells }) => [what, shown, ...cells])]),
  )
})

test('the table of README.md is what opensearch:read and opensearch:write together do not do', async () => {
  const lost = ROWS.filter(
    ({ cells: [read, write] }) => !['yes', 'body'].some((passes) => [read, write].includes(passes)),
  )
  const with_ = ({ cells: [read, write] }: (typeof ROWS)[number]): string =>
    [read, write].includes('named') ? 'where the body names the indices' : 'no'
  const lines = lost.map((row) => [row.what, row.shown, with_(row)])
  expect(lines.length).toBeGreaterThan(20)
  expect(await tableIn('README.md')).toBe(draw([['request', 'as in', 'read and write'], ...lines]))
})
