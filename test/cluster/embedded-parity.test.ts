import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { startEmbeddedStore } from '../../src/embedded/server.ts'
import { plainCluster } from '../support/clusters.ts'
import type { Normalisation } from '../vectors/embedded-parity.ts'
import { BODY_NORMALISATIONS, HEADER_NORMALISATIONS, PARITY_CASES } from '../vectors/embedded-parity.ts'
import type { ParityCase, ParityRequest } from '../vectors/embedded-parity/shape.ts'
import { call } from '../vectors/embedded-parity/shape.ts'

interface Answer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
let embedded: { url: string; close(): Promise<void> }

beforeAll(async () => {
  embedded = await startEmbeddedStore({ version: plainCluster().version })
})

afterAll(async () => {
  agent.destroy()
  await embedded.close()
})

/** Sends bytes as they are in the case, and gives back what came as text. */
async function send(url: string, { method, target, headers, body }: ParityRequest, index: string): Promise<Answer> {
  const named = (text: string) => text.replaceAll('{index}', index)
  const { hostname, port, host } = new URL(url)
  const bytes = body === undefined ? undefined : Buffer.from(named(body), 'utf8')
  const length = bytes === undefined ? [] : ['content-length', String(bytes.length)]
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      { agent, hostname, port, method, path: named(target), headers: ['host', host, ...headers, ...length] },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ status: incoming.statusCode ?? 0, headers: headerLines(incoming.rawHeaders), body: text })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
}

function headerLines(raw: readonly string[]): readonly string[] {
  const lines = raw.flatMap((name, i) => (i % 2 === 0 ? [`${name.toLowerCase()}: ${raw[i + 1] ?? ''}`] : []))
  return lines.sort()
}

function normalise(text: string, normalisations: readonly Normalisation[]): string {
  return normalisations.reduce(
    (result, { pattern, replacement }) =>
      typeof replacement === 'string' ? result.replace(pattern, replacement) : result.replace(pattern, replacement),
    text,
  )
}

/** What must be the same on both servers. The length of a body that is there says nothing that the body does not. */
function comparable(answer: Answer, { method }: ParityRequest): Answer {
  const length = `content-length: ${Buffer.byteLength(answer.body, 'utf8')}`
  const headers = method === 'HEAD' ? answer.headers : answer.headers.filter((line) => line !== length)
  return {
    status: answer.status,
    headers: headers.map((line) => normalise(line, HEADER_NORMALISATIONS)),
    body: normalise(answer.body, BODY_NORMALISATIONS),
  }
}

async function run(url: string, { requests }: ParityCase, index: string): Promise<readonly unknown[]> {
  const answers: unknown[] = []
  for (const [i, each] of requests.entries()) {
    answers.push({
      request: `${i + 1}: ${each.method} ${each.target}`,
      ...comparable(await send(url, each, index), each),
    })
  }
  await send(url, call('DELETE /{index}*'), index)
  return answers
}

// The store models 3.4; other versions word some of this differently.
const describeHere = plainCluster().version.startsWith('3.4.') ? describe : describe.skip

describeHere.each(Object.entries(PARITY_CASES))('%s', (_, cases) => {
  test.each(cases.map((each) => [each.name.slice(0, 120), each] as const))('%s', async (_name, each) => {
    const index = `parity-${randomBytes(6).toString('hex')}`
    const real = await run(plainCluster().url, each, index)
    expect(await run(embedded.url, each, index)).toEqual(real)
  })
})

describeHere('the server without a body', () => {
  test('HEAD / tells the length of what GET / shows', async () => {
    for (const url of [plainCluster().url, embedded.url]) {
      const full = await send(url, call('GET /'), '')
      const head = await send(url, call('HEAD /'), '')
      expect({ ...head, headers: [...head.headers] }).toEqual({ status: 200, headers: full.headers, body: '' })
    }
  })
})
