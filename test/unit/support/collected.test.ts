import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, expect, test } from '@jest/globals'

import { RECEIPT_TYPE } from '../../../src/auth/receipt-keys.ts'
import { beginCollecting, collect, collectLines, MEMORY_TEXT, plant } from '../../support/collected.ts'
import { collectAnswersAt } from '../../support/collected-answers.ts'
import { scanCollected } from '../../support/scan-collected.ts'

afterEach(() => {
  delete process.env['TEST_COLLECTED']
})

async function scan(): Promise<{ readonly found: readonly string[]; readonly lines: number }> {
  const { finds, lines } = await scanCollected()
  return { found: finds.map((find) => find.slice(0, find.indexOf(' in: '))), lines }
}

test('a scan finds planted secrets, tokens and memory texts, and nothing else', async () => {
  beginCollecting()
  const folder = process.env['TEST_COLLECTED'] ?? ''
  plant('pass(word)+of a test')
  plant('short')
  collect('log', '{"msg":"request","path":"/short"}\n')
  collect('log', 'one line\nwith pass(word)+of a test in it\n')
  const chunks = collectLines('log')
  chunks('{"reason":"Bearer eyJhb')
  chunks('GciOiJFUzI1NiJ9.x.y"}\n')
  collect('log', MEMORY_TEXT)
  const receipt = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'one', typ: RECEIPT_TYPE })).toString('base64url')
  collect('answer 200 DELETE', `x-memory-receipt: ${receipt}.x.y`)
  expect(await scan()).toEqual({ found: ['pass(word)+of a test', 'eyJhbGciOiJFUzI1NiJ9', MEMORY_TEXT], lines: 6 })
  expect(existsSync(folder)).toBe(false)
})

test('answers are scanned whoever asks: a memory may stand in what was read, a token in none', async () => {
  beginCollecting()
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/none' ? 404 : 200, { 'x-said': request.headers['x-said'] ?? '' })
    response.write('{"said":"')
    response.end(`${String(request.headers['x-said'])}"}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ask = async (method: string, path: string, said: string): Promise<void> => {
    const origin = `http://127.0.0.1:${String(port)}`
    await (await fetch(origin + path, { method, headers: { 'x-said': said } })).text()
  }
  const stop = collectAnswersAt(new Set([port]))
  await ask('GET', '/read', MEMORY_TEXT)
  await ask('GET', '/none', `${MEMORY_TEXT} where there is none`)
  await ask('DELETE', '/delete', `${MEMORY_TEXT} deleted`)
  await ask('POST', '/bulk-delete', `${MEMORY_TEXT} deleted`)
  await ask('GET', '/read', 'eyJhbGciOiJFUzI1NiJ9')
  stop()
  await ask('DELETE', '/delete', 'eyJhbGciOiJFUzI1NiJ9')
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect(await scan()).toEqual({ found: [MEMORY_TEXT, MEMORY_TEXT, MEMORY_TEXT, 'eyJhbGciOiJFUzI1NiJ9'], lines: 5 })
})
