import { expect, test } from '@jest/globals'

import { progressPrinter } from '../../src/progress.ts'

function written(isTTY: boolean): string {
  let text = ''
  const printer = progressPrinter({ isTTY, columns: 45, write: (part) => (text += part) })
  printer.show('one')
  printer.show('a step that is much longer than the terminal is wide')
  printer.end()
  printer.end()
  return text
}

test('on a terminal one line changes, within its width, and is gone in the end', () => {
  const clear = '\r\u001b[2K'
  expect(written(true)).toBe(
    `${clear}one${clear}${'a step that is much longer than the terminal is wide'.slice(0, 44)}${clear}`,
  )
})

test('elsewhere each step is a plain line', () => {
  expect(written(false)).toBe('one\na step that is much longer than the terminal is wide\n')
})
