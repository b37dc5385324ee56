import { existsSync } from 'node:fs'

import { afterEach, expect, test } from '@jest/globals'

import {
  answersOf,
  beginCollecting,
  collect,
  collectAnswer,
  collectLines,
  MEMORY_TEXT,
  plant,
  scanCollected,
} from '../../support/collected.ts'

afterEach(() => {
  delete process.env['TEST_COLLECTED']
})

test('a scan finds planted secrets, tokens and memory texts in logs and refusals, and nothing else', async () => {
  beginCollecting()
  const folder = process.env['TEST_COLLECTED'] ?? ''
  plant('pass(word)+of a test')
  plant('short')
  answersOf('http://gateway')
  collect('log', '{"msg":"request","path":"/short"}\n')
  collect('log', 'one line\nwith pass(word)+of a test in it\n')
  const chunks = collectLines('log')
  chunks('{"reason":"Bearer eyJhb')
  chunks('GciOiJFUzI1NiJ9.x.y"}\n')
  collectAnswer('http://gateway', 404, ['x-echo', 'none'], `no such memory: ${MEMORY_TEXT}`)
  collectAnswer('http://gateway', 200, [], MEMORY_TEXT)
  collectAnswer('http://cluster', 404, [], MEMORY_TEXT)
  const { finds, lines } = await scanCollected()
  expect(finds.map((find) => find.slice(0, find.indexOf(' in: ')))).toEqual([
    'pass(word)+of a test',
    'eyJhbGciOiJFUzI1NiJ9',
    MEMORY_TEXT,
  ])
  expect(lines).toBe(5)
  expect(existsSync(folder)).toBe(false)
})
