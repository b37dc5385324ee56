import { Agent, request } from 'node:http'

import type { Normalisation } from '../vectors/embedded-parity.ts'
import { BODY_NORMALISATIONS, HEADER_NORMALISATIONS } from '../vectors/embedded-parity.ts'
import type { ParityRequest } from '../vectors/embedded-parity/shape.ts'
import { call } from '../vectors/embedded-parity/shape.ts'

interface Answer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
/** Closes the connections that the requests have left open. */
export function closeConnections(): void {
  agent.destroy()
}

/** Sends bytes as they are in the case, and gives back what came as text. */
export async function send(
  url: string,
  { method, target, headers, body }: ParityRequest,
  index: string,
): Promise<Answer> {
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

/** Runs requests in order on an index of their own, deletes it, and gives back what must not differ between two servers. */
export async function run(url: string, requests: readonly ParityRequest[], index: string): Promise<readonly unknown[]> {
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
