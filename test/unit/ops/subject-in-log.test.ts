import { expect, test } from '@jest/globals'

import { subjectInLog } from '../../../src/ops/subject-in-log.ts'

const alice = { issuer: 'https://idp.test', subject: 'alice' }

test('plain, or not at all', () => {
  expect(subjectInLog({ subject: 'plain' })(alice)).toBe('alice')
  expect(subjectInLog({ subject: 'none' })(alice)).toBeUndefined()
})

test('as a hash that is the same for the same subject of the same issuer, under the same key', () => {
  const one = subjectInLog({ subject: 'hash', subjectKey: 'key-of-16-letters' })
  const other = subjectInLog({ subject: 'hash', subjectKey: 'another-key-of-16' })
  const hashes = [one(alice), one({ ...alice, subject: 'bob' }), one({ ...alice, issuer: 'b' }), other(alice)]
  expect(new Set(hashes).size).toBe(4)
  expect(hashes).toEqual(Array(4).fill(expect.stringMatching(/^[\w-]{22}$/)))
  expect(one(alice)).toBe(hashes[0])
  expect(() => subjectInLog({ subject: 'hash' })).toThrow()
})
