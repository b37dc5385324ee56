import { expect, test } from '@jest/globals'

import { askedUpgrade } from '../../../src/core/asked-upgrade.ts'

const PLAIN = ['Host', 'a', 'Connection', 'Upgrade', 'Upgrade', 'websocket']

function asked(rawHeaders: readonly string[], method = 'GET', httpVersion = '1.1'): string | undefined {
  return askedUpgrade({ method, httpVersion, rawHeaders })
}

test.each<[says: string, rawHeaders: readonly string[]]>([
  ['plainly', PLAIN],
  ['in any case', ['CONNECTION', 'uPGRADE', 'UPGRADE', ' WebSocket ']],
  ['as Firefox does', ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket']],
  ['in a second Connection header', ['Connection', 'keep-alive', 'Connection', 'upgrade', 'Upgrade', 'websocket']],
])('an upgrade is asked for %s', (_says, rawHeaders) => {
  expect(asked(rawHeaders)).toBe('websocket')
})

test.each<[says: string, rawHeaders: readonly string[]]>([
  ['h2c', ['Connection', 'Upgrade, HTTP2-Settings', 'Upgrade', 'h2c']],
  ['a list', ['Connection', 'Upgrade', 'Upgrade', 'websocket, h2c']],
  ['an empty element', ['Connection', 'Upgrade', 'Upgrade', 'websocket,']],
  ['two headers', [...PLAIN, 'upgrade', 'websocket']],
  ['a version', ['Connection', 'Upgrade', 'Upgrade', 'websocket/13']],
  ['no Connection', ['Upgrade', 'websocket']],
  ['another option that has the word in it', ['Connection', 'x-upgrade, upgraded', 'Upgrade', 'websocket']],
  ['no Upgrade', ['Connection', 'Upgrade']],
  ['a name that is spelt otherwise', ['Connection', 'Upgrade', 'Up_grade', 'websocket']],
  ['a length', [...PLAIN, 'content-length', '0']],
  ['chunks', [...PLAIN, 'Transfer-Encoding', 'chunked']],
  ['an expectation', [...PLAIN, 'Expect', '100-continue']],
  ['trailers', [...PLAIN, 'Trailer', 'x-a']],
])('none is asked for: %s', (_says, rawHeaders) => {
  expect(asked(rawHeaders)).toBeUndefined()
})

test('nor by another method or version', () => {
  expect([asked(PLAIN, 'POST'), asked(PLAIN, 'HEAD'), asked(PLAIN, 'GET', '1.0'), asked(PLAIN, 'GET', '2.0')]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
