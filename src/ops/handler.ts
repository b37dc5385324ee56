import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

import { refuseOps } from './access.ts'
import type { OpsAccess } from './access.ts'
import { failed, paramsOf } from './route.ts'
import type { OpsAnswer, OpsRoute } from './route.ts'

interface OpsParts {
  readonly routes: readonly OpsRoute[]
  readonly access: () => OpsAccess
  /** A route that threw. */
  readonly onFailure: (error: unknown) => void
}

const MAX_BYTES = 65_536

/** Answers on the ops port, by its table of routes. */
export function createOpsHandler(parts: OpsParts): RequestListener {
  return (request, response) => {
    void answer(parts, request)
      .catch((error: unknown) => {
        parts.onFailure(error)
        return failed(500, 'This could not be done; see the log')
      })
      .then((answered) => send(request, response, answered))
  }
}

async function answer({ routes, access }: OpsParts, request: IncomingMessage): Promise<OpsAnswer> {
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s)
  const here = routes.filter((one) => paramsOf(one.path, path) !== undefined)
  const isOpen = here.length > 0 && here.every((one) => one.isOpen === true)
  const refused = here.length === 0 || isOpen ? undefined : refuseOps(request, access())
  if (refused !== undefined) {
    const headers = refused.status === 401 ? { 'www-authenticate': 'Bearer' } : {}
    return { ...failed(refused.status, refused.error), headers }
  }
  if (here.length === 0) return failed(404, 'Not found')
  const route = here.find(({ method }) => method === (request.method === 'HEAD' ? 'GET' : request.method))
  if (route === undefined) {
    const allow = here.map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ')
    return { ...failed(405, 'Method not allowed'), headers: { allow } }
  }
  const asked = { query: new URLSearchParams(query), params: paramsOf(route.path, path) ?? {} }
  if (route.method === 'GET') return route.answer({ ...asked, json: undefined })
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    return failed(415, 'Send the content type application/json')
  }
  const text = await readText(request)
  if (text === undefined) return failed(413, `The body is longer than ${String(MAX_BYTES)} bytes`)
  const json = text === '' ? {} : parseJson(text)
  return 'error' in json ? failed(400, json.error) : route.answer({ ...asked, json: json.value })
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= MAX_BYTES) chunks.push(chunk)
  }
  return bytes > MAX_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): { readonly value?: unknown } | { readonly error: string } {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    // The parser's own words quote the text, and a token may stand in it.
    return { error: 'The body is not JSON' }
  }
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, body, contentType, headers = {} }: OpsAnswer,
): void {
  const text = contentType === undefined ? `${JSON.stringify(body)}\n` : String(body)
  response.writeHead(status, {
    'content-type': contentType ?? 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(method === 'HEAD' ? undefined : text)
}
