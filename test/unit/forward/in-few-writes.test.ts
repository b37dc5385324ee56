import { afterEach, describe, expect, test } from '@jest/globals'

import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

import fc from 'fast-check'

import { inFewWrites } from '../../../src/forward/in-few-writes.ts'
import { readAsHttp1 } from '../../../src/listen/read-as-http1.ts'

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

interface Answer {
  readonly status: number | undefined
  readonly trailers: NodeJS.Dict<string>
  readonly body: Buffer
  /** What the server's socket was given: `_write` for one piece, `_writev` for several that it gathers. */
  readonly writes: readonly string[]
}

/** What a caller gets of an answer that is written so, over HTTP/1.1. */
async function answered(
  write: (response: ServerResponse) => Promise<void> | void,
  onHead?: () => void,
): Promise<Answer> {
  const writes: string[] = []
  const server = createServer((_request, response) => {
    response.sendDate = false
    const socket = response.socket as unknown as Record<'_write' | '_writev', (...given: unknown[]) => unknown>
    for (const name of ['_write', '_writev'] as const) {
      const original = socket[name].bind(socket)
      socket[name] = (...given) => {
        writes.push(name)
        return original(...given)
      }
    }
    void write(response)
  })
  const asked = httpRequest(await listen(server), { agent: false }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  onHead?.()
  const pieces: Buffer[] = []
  for await (const piece of answer) pieces.push(piece as Buffer)
  return { status: answer.statusCode, trailers: answer.trailers, body: Buffer.concat(pieces), writes }
}

describe('what came at once', () => {
  test.each([
    ['every byte there is', EVERY_BYTE],
    ['16,384 bytes', Buffer.alloc(16_384, 0xe9)],
  ])('goes in one write: %s', async (_, body) => {
    const answer = await answered((response) => {
      const writes = inFewWrites(response)
      writes.head(200, 'OK', ['content-length', String(body.length)])
      expect(writes.body(body)).toBe(true)
      writes.end()
    })
    expect(answer).toMatchObject({ status: 200, writes: ['_write'] })
    expect(answer.body.equals(body)).toBe(true)
  })

  test('goes in one write without a body too', async () => {
    const answer = await answered((response) => {
      const writes = inFewWrites(response)
      writes.head(204, 'No Content', [])
      writes.end()
    })
    expect(answer).toMatchObject({ status: 204, writes: ['_write'] })
  })

  test('has its trailers', async () => {
    const answer = await answered((response) => {
      const writes = inFewWrites(response)
      writes.head(200, 'OK', ['transfer-encoding', 'chunked', 'trailer', 'x-end'])
      writes.body(EVERY_BYTE)
      response.addTrailers([['x-end', 'reached']])
      writes.end()
    })
    expect(answer.trailers).toEqual({ 'x-end': 'reached' })
    expect(answer.body.equals(EVERY_BYTE)).toBe(true)
  })

  test('goes over HTTP/2 too', async () => {
    const server = createHttp2Server((request, response) => {
      const writes = inFewWrites(readAsHttp1(request, response)[1])
      writes.head(200, 'OK', ['content-length', '256'])
      writes.body(EVERY_BYTE)
      writes.end()
    })
    const session = connectHttp2(await listen(server))
    closing.push(() => session.destroy())
    const stream = session.request({ ':path': '/' })
    const pieces: Buffer[] = []
    for await (const piece of stream) pieces.push(piece as Buffer)
    expect(Buffer.concat(pieces).equals(EVERY_BYTE)).toBe(true)
  })
})

describe('what has not come yet is not waited for', () => {
  test.each([
    ['a head', false],
    ['a head with the first of a body', true],
  ])('%s goes out at the end of its turn', async (_, withBody) => {
    let onHead = (): void => undefined
    const headArrived = new Promise<void>((resolve) => (onHead = resolve))
    const answer = await answered(
      async (response) => {
        const writes = inFewWrites(response)
        writes.head(200, 'OK', ['content-length', '512'])
        if (withBody) writes.body(EVERY_BYTE)
        // Never, if the head waits for the end.
        await headArrived
        if (!withBody) writes.body(EVERY_BYTE)
        await nextTurn()
        writes.body(EVERY_BYTE)
        writes.end()
      },
      () => onHead(),
    )
    expect(answer.body.equals(Buffer.concat([EVERY_BYTE, EVERY_BYTE]))).toBe(true)
  })

  test('the first of a body that comes a turn after its head goes out when it comes', async () => {
    let seen = 0
    const server = createServer((_request, response) => {
      void (async () => {
        const writes = inFewWrites(response)
        writes.head(200, 'OK', ['content-length', '4'])
        await nextTurn()
        writes.body(Buffer.from('ab'))
        // It is not the end that brings it to the caller.
        while (seen === 0) await nextTurn()
        writes.body(Buffer.from('cd'))
        writes.end()
      })()
    })
    const asked = httpRequest(await listen(server), { agent: false }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    for await (const piece of answer) seen += (piece as Buffer).length
    expect(seen).toBe(4)
  })
})

const piece = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
  fc.constantFrom(16_383, 16_384, 16_385, 70_000).map((length) => new Uint8Array(length).fill(0xfe)),
)

test('whatever comes in whatever turns arrives byte by byte, in order', async () => {
  const steps = fc.array(
    fc.oneof(
      piece.map((bytes) => Buffer.from(bytes)),
      fc.constant('turn' as const),
    ),
    { maxLength: 8 },
  )
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (all, isChunked) => {
      const body = Buffer.concat(all.filter((step) => step !== 'turn'))
      const answer = await answered(async (response) => {
        const writes = inFewWrites(response)
        writes.head(200, 'OK', isChunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(body.length)])
        for (const step of all) {
          if (step === 'turn') await nextTurn()
          else writes.body(step)
        }
        writes.end()
      })
      expect(answer.body.equals(body)).toBe(true)
    }),
    { numRuns: 150 },
  )
})
