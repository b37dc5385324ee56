import { expect, test } from '@jest/globals'

import { progressPrinter } from '../../src/progress.ts'

function written(isTTY: boolean, env: Readonly<Record<string, string>> = {}): string {
  let text = ''
  const printer = progressPrinter({ isTTY, columns: 45, write: (part) => (text += part) }, env)
  printer.show('one')
  printer.show('a step that is much longer than the terminal is wide')
  printer.end()
  printer.end()
  return text
}

const PLAIN = 'one\na step that is much longer than the terminal is wide\n'
const CLEAR = '\r\u001b[2K'
const REDRAWN = `${CLEAR}one${CLEAR}${'a step that is much longer than the terminal is wide'.slice(0, 44)}${CLEAR}`

test('on a terminal one line changes, within its width, and is gone in the end', () => {
  expect(written(true)).toBe(REDRAWN)
})

test.each([{ CI: '' }, { CI: 'false' }, { CI: '0' }, { NO_COLOR: '1' }, { TERM: 'xterm' }])(
  'on a terminal with %j too: there is nothing to take away',
  (env) => {
    expect(written(true, env)).toBe(REDRAWN)
  },
)

test.each([{ CI: 'true' }, { CI: '1' }, { TERM: 'dumb' }])('on a terminal with %j each step is a plain line', (env) => {
  expect(written(true, env)).toBe(PLAIN)
})

test('elsewhere each step is a plain line', () => {
  expect(written(false)).toBe(PLAIN)
})
