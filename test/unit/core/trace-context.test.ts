import { describe, expect, test } from '@jest/globals'

import { continueTrace } from '../../../src/core/trace-context.ts'

const FRESH = { traceId: 'f'.repeat(32), spanId: '1'.repeat(16) }
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

describe('a trace that the caller began goes on under a span of ours', () => {
  test.each([
    ['sampled', `00-${TRACE}-${PARENT}-01`, '01'],
    ['not sampled', `00-${TRACE}-${PARENT}-00`, '00'],
    ['with flags that nobody knows yet', `00-${TRACE}-${PARENT}-fe`, '00'],
    ['of a later version', `cc-${TRACE}-${PARENT}-01-what-the-future-holds`, '01'],
    ['of a later version without more', `01-${TRACE}-${PARENT}-01`, '01'],
  ])('%s', (_, received, flags) => {
    expect(continueTrace([received], FRESH)).toEqual({
      traceparent: `00-${TRACE}-${FRESH.spanId}-${flags}`,
      traceId: TRACE,
      spanId: FRESH.spanId,
      parentId: PARENT,
      isSampled: flags === '01',
    })
  })
})

test.each([
  ['none', []],
  ['an empty one', ['']],
  ['two', [`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01`]],
  ['zeros for a trace', [`00-${'0'.repeat(32)}-${PARENT}-01`]],
  ['zeros for a parent', [`00-${TRACE}-${'0'.repeat(16)}-01`]],
  ['the forbidden version', [`ff-${TRACE}-${PARENT}-01`]],
  ['upper case', [`00-${TRACE.toUpperCase()}-${PARENT}-01`]],
  ['more than version 00 has', [`00-${TRACE}-${PARENT}-01-more`]],
  ['a short trace', [`00-${TRACE.slice(1)}-${PARENT}-01`]],
  ['no flags', [`00-${TRACE}-${PARENT}`]],
  ['white space', [` 00-${TRACE}-${PARENT}-01`]],
  ['an id that holds another', [`00-${TRACE}${TRACE}-${PARENT}-01`]],
])('%s: a trace of our own begins, not sampled', (_, received) => {
  expect(continueTrace(received, FRESH)).toEqual({
    traceparent: `00-${FRESH.traceId}-${FRESH.spanId}-00`,
    ...FRESH,
    parentId: undefined,
    isSampled: false,
  })
})
