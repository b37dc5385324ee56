import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

import { requireDescribed } from './described.ts'

export interface Question {
  readonly method: string
  /** The raw request target: sent byte for byte, which client libraries do not promise. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

export interface AskedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The body as text, not parsed: layout and order of keys are part of the contract. */
  readonly text: string
}

/** Sends one request as it is written, and reads the answer as text. Rejects where the API description does not say what is answered. */
export async function ask(baseUrl: string, question: Question): Promise<AskedAnswer> {
  const answer = await send(baseUrl, question)
  requireDescribed(question, answer)
  return answer
}

function send(baseUrl: string, { method, target, headers = {}, body }: Question): Promise<AskedAnswer> {
  const { hostname, port } = new URL(baseUrl)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, method, path: target, headers: { ...length, ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    request.once('error', reject)
    request.end(body)
  })
}
