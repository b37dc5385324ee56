import type { IncomingMessage } from 'node:http'

import type { Explanation } from '../core/explain.ts'
import { refuseOps } from './access.ts'
import type { OpsAccess } from './access.ts'

interface Question {
  readonly method: string
  readonly path: string
  readonly token?: string
}

export type Explain = (question: Question) => Promise<Explanation>

interface OpsAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const MAX_BYTES = 65_536

/** `POST /explain`: what the gateway would make of the request that the body describes. Never rejects. */
export async function answerExplain(request: IncomingMessage, access: OpsAccess, explain: Explain): Promise<OpsAnswer> {
  try {
    const refused = refuseOps(request, access)
    if (refused !== undefined) {
      const headers = refused.status === 401 ? { 'www-authenticate': 'Bearer' } : {}
      return { ...failed(refused.status, refused.error), headers }
    }
    if (request.method !== 'POST') return { ...failed(405, 'Method not allowed'), headers: { allow: 'POST' } }
    // What a page of another origin may send without a preflight is never JSON.
    if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
      return failed(415, 'Send the content type application/json')
    }
    const text = await readText(request)
    if (text === undefined) return failed(413, `The body is longer than ${String(MAX_BYTES)} bytes`)
    const question = parseQuestion(text)
    if (question === undefined) {
      return failed(
        400,
        'The body must be {"method": "DELETE", "path": "/...", "token": "..."}, the token if there is one',
      )
    }
    return { status: 200, body: await explain(question), headers: { 'cache-control': 'no-store' } }
  } catch {
    return failed(500, 'The request could not be explained')
  }
}

const failed = (status: number, error: string): OpsAnswer => ({ status, body: { error } })

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= MAX_BYTES) chunks.push(chunk)
  }
  return bytes > MAX_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
}

function parseQuestion(text: string): Question | undefined {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null) return undefined
  const { method, path, token, ...others } = value as Readonly<Record<string, unknown>>
  if (Object.keys(others).length > 0) return undefined
  if (typeof method !== 'string' || !/^[A-Z-]{1,20}$/.test(method)) return undefined
  if (typeof path !== 'string' || !/^\/[\x21-\x7e]*$/.test(path)) return undefined
  if (token === undefined) return { method, path }
  return typeof token === 'string' ? { method, path, token } : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
