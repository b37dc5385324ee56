import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from '@jest/globals'

import { GUARD_REQUESTS } from '../../../vectors/guard-requests.ts'
import { decide } from './guarded-world.ts'

const PAGE = join(import.meta.dirname, '../../../../docs/guard.md')

function cell(line: string, scope: string): string {
  const { refusals, body } = decide(line, { scopes: [scope] })
  if (refusals.length > 0) return 'no'
  if (body === undefined) return 'yes'
  return body.unnamed.length > 0 ? 'named' : 'body'
}

/** The table of the page, from the vectors and the decisions on them. */
function table(): string {
  const rows = GUARD_REQUESTS.filter(({ onPage }) => onPage === true).map(({ what, method, target }) => {
    const line = `${method} ${target}`
    const shown = line.replaceAll('guarded-sec-memory-working', 'x-memory-working').replaceAll('guarded-', 'my-')
    return [
      what,
      `\`${shown}\``,
      cell(line, 'opensearch:read'),
      cell(line, 'opensearch:write'),
      cell(line, 'opensearch:admin'),
    ]
  })
  const lines = [['request', 'as in', '`opensearch:read`', '`opensearch:write`', '`opensearch:admin`'], ...rows]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const drawn = lines.map((line) => `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  return [drawn[0], `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...drawn.slice(1)].join('\n')
}

test('the table of the page is what the guard decides', async () => {
  const page = await readFile(PAGE, 'utf8')
  const [, written] = /<!-- table -->\n\n?([^]*?)\n\n?<!-- \/table -->/.exec(page) ?? []
  expect(written).toBe(table())
})
