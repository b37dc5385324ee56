import { answerWith } from './fault-proxy.ts'
import type { FaultProxy, SeenRequest } from './fault-proxy.ts'

type Ask = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ readonly status: number; readonly body: unknown }>
type Json = Readonly<Record<string, unknown>>

export const DELETING = { source: "ctx.op = 'delete'" }
export const KEEPING = { source: "ctx._source.seen = 'x'" }

/**
 * Painless is not on Maven Central: where the cluster has no such language, this stands before it, and carries out the two scripts above by the cluster's own
 * deletes and updates, whose answers are of the same shape (UpdateResponse, BulkByScrollResponse).
 */
export async function standInForScripts(proxy: FaultProxy, ask: Ask): Promise<void> {
  const compiled = await ask('PUT', '/_scripts/audit-stand-in', { script: { lang: 'painless', ...KEEPING } })
  if (compiled.status === 200) {
    await ask('DELETE', '/_scripts/audit-stand-in')
    return
  }
  const carryOut = async ({ target, body }: SeenRequest) => {
    const [path = ''] = target.split('?')
    if (path === '/_bulk') return runBulk(ask, body)
    const { script, query = { match_all: {} }, source, dest } = JSON.parse(body) as Readonly<Record<string, Json>>
    const isDeleting = script?.['source'] === DELETING.source
    if (path.includes('/_update/'))
      return isDeleting
        ? ask('DELETE', path.replace('/_update/', '/_doc/'))
        : ask('POST', path, { doc: { seen: String(Math.random()) } })
    const index = path === '/_reindex' ? String(dest?.['index']) : path.split('/')[1]
    const matching = path === '/_reindex' ? source?.['query'] : query
    return ask('POST', `/${String(index)}/_delete_by_query?conflicts=proceed`, { query: matching })
  }
  proxy.on(
    ({ body }) => body.includes('"script":{"source":"ctx.'),
    async (exchange) => {
      const { status, body } = await carryOut(exchange.request)
      await answerWith(status, body)(exchange)
    },
  )
}

async function runBulk(ask: Ask, body: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const lines = body.split('\n').filter((line) => line !== '')
  const items: unknown[] = []
  for (let position = 0; position < lines.length; position++) {
    const [action, about] = Object.entries(JSON.parse(lines[position] ?? '') as Record<string, Json>)[0] ?? ['']
    const path = `/${String(about?.['_index'])}`
    const id = String(about?.['_id'])
    const source = action === 'delete' ? undefined : (JSON.parse(lines[++position] ?? '') as Json)
    const isDeleting = JSON.stringify(source?.['script']) === JSON.stringify(DELETING)
    const done =
      action === 'delete' || isDeleting
        ? await ask('DELETE', `${path}/_doc/${id}`)
        : await ask('POST', `${path}/_update/${id}`, { doc: source?.['doc'] ?? { seen: String(Math.random()) } })
    items.push({ [action]: { ...(done.body as Json), status: done.status } })
  }
  return { status: 200, body: { took: 1, errors: false, items } }
}
