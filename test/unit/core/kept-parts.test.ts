import { expect, test } from '@jest/globals'

import { keepParts } from '../../../src/core/kept-parts.ts'

function open() {
  const log: string[] = []
  const parts = keepParts<{ name: string; size: number }, { id: number }>({
    isEqual: (left, right) => left.name === right.name && left.size === right.size,
    open: ({ name, size }) => ({ id: log.push(`open ${name} ${String(size)}`) }),
    close: ({ id }) => void log.push(`close ${String(id)}`),
  })
  return { parts, log }
}

test('the same settings are the same part while somebody holds it; the last one closes it', async () => {
  const { parts, log } = open()
  const before = parts.hold({ name: 'a', size: 1 })
  const after = parts.hold({ name: 'a', size: 1 })
  expect(after.part).toBe(before.part)
  await before.release()
  await before.release()
  expect(log).toEqual(['open a 1'])
  await after.release()
  expect(log).toEqual(['open a 1', 'close 1'])
  expect(parts.hold({ name: 'a', size: 1 }).part).not.toBe(before.part)
})

test('other settings are another part, beside the one that is still held', async () => {
  const { parts, log } = open()
  const before = parts.hold({ name: 'a', size: 1 })
  const after = parts.hold({ name: 'a', size: 2 })
  expect(after.part).not.toBe(before.part)
  await before.release()
  expect(log).toEqual(['open a 1', 'open a 2', 'close 1'])
  expect(parts.hold({ name: 'a', size: 2 }).part).toBe(after.part)
})
