import { expect, test } from '@jest/globals'

import { openInForce } from '../../../src/core/in-force.ts'

function named(name: string, closed: string[]) {
  return {
    name,
    close: () => {
      closed.push(name)
      return Promise.resolve()
    },
  }
}

test('who took one keeps it, and it is closed when the last of them has ended', () => {
  const closed: string[] = []
  const inForce = openInForce(named('first', closed))
  const one = inForce.take()
  const two = inForce.take()
  inForce.replace(named('second', closed))
  const three = inForce.take()
  expect([one.value.name, two.value.name, three.value.name, inForce.now().name]).toEqual([
    'first',
    'first',
    'second',
    'second',
  ])
  one.end()
  one.end()
  expect(closed).toEqual([])
  two.end()
  expect(closed).toEqual(['first'])
  three.end()
  expect(closed).toEqual(['first'])
})

test('one that nobody uses is closed as it is replaced', () => {
  const closed: string[] = []
  const inForce = openInForce(named('first', closed))
  inForce.take().end()
  inForce.replace(named('second', closed))
  inForce.replace(named('third', closed))
  expect(closed).toEqual(['first', 'second'])
})

test('at the end all are closed, in use or not, each once', async () => {
  const closed: string[] = []
  const inForce = openInForce(named('first', closed))
  const held = inForce.take()
  inForce.replace(named('second', closed))
  await inForce.close()
  held.end()
  await inForce.close()
  expect(closed).toEqual(['first', 'second'])
})
