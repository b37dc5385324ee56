import { Pool } from 'undici'
import { parse as parseYaml } from 'yaml'

import type { RestRequest } from './api-spec.ts'
import { parseJson } from './json.ts'
import type { Json } from './json.ts'

export interface RestAnswer {
  readonly status: number
  readonly method: string
  /** Parsed where it is JSON or YAML, else its text; `undefined` where there is none. */
  readonly body: Json | undefined
  readonly warnings: readonly string[]
}

/** Raw requests to one address: no client between them and the wire. */
export interface Sender {
  readonly origin: string
  send(request: RestRequest, headers?: Readonly<Record<string, string>>): Promise<RestAnswer>
  close(): Promise<void>
}

/** A sender that shows this token with every request, unless a test brings its own. */
export function openSender(origin: string, token?: string): Sender {
  const pool = new Pool(origin, { connections: 4, headersTimeout: 60_000, bodyTimeout: 60_000 })
  return {
    origin,
    async send({ method, path, contentType, body }, headers = {}) {
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
      const answer = await pool.request({
        method,
        path,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
          ...lower,
        },
        ...(body === undefined ? {} : { body }),
      })
      const text = await answer.body.text()
      const type = String(answer.headers['content-type'] ?? '')
      return {
        status: answer.statusCode,
        method,
        body: parseBody(text, type),
        warnings: readWarnings(answer.headers['warning']),
      }
    },
    close: () => pool.close(),
  }
}

function parseBody(text: string, type: string): Json | undefined {
  // An empty list in plain text is a text too.
  if (text === '') return type.startsWith('text/') ? '' : undefined
  if (type.includes('json')) return parseJson(text)
  return type.includes('yaml') ? (parseYaml(text) as Json) : text
}

/** The texts of `Warning: 299 OpenSearch-... "text"` (RFC 7234 section 5.5). */
function readWarnings(header: string | string[] | undefined): string[] {
  const lines = header === undefined ? [] : [header].flat()
  return lines.map((line) => (/^299 \S+ "((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line).replace(/\\(.)/g, '$1'))
}
