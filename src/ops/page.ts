import { readFile } from 'node:fs/promises'

import { accessOf } from './access.ts'
import type { OpsAccess } from './access.ts'
import { HTML, SCRIPT, STYLE, textual } from './page-file.ts'
import { failed } from './route.ts'
import type { OpsAnswer, OpsRoute } from './route.ts'

/** Beside the sources, and beside what is built of them. */
const FOLDER = new URL('page/', import.meta.url)

/**
 * The ops page. Its files are open wherever the port listens: they are this package's own and say nothing of the gateway, and a browser that opens
 * an address has no token to send. All that the page shows it asks for with the operator's.
 */
export function pageRoutes(access: () => OpsAccess): readonly OpsRoute[] {
  return [
    row('/', async () => {
      const page = await readFile(new URL('index.html', FOLDER), 'utf8')
      // So the page asks for a token before it is refused without.
      return textual(HTML, page.replace('data-access="open"', `data-access="${accessOf(access())}"`))
    }),
    row('/page/style.css', async () => textual(STYLE, await readFile(new URL('style.css', FOLDER), 'utf8'))),
    row('/page/{module}.js', async ({ params }) => {
      const text = await readFile(new URL(`${params['module'] ?? ''}.js`, FOLDER), 'utf8').catch(() => undefined)
      return text === undefined ? failed(404, 'Not found') : textual(SCRIPT, text)
    }),
  ]
}

function row(path: string, answer: (asked: Parameters<OpsRoute['answer']>[0]) => Promise<OpsAnswer>): OpsRoute {
  return { method: 'GET', path, isOpen: true, answer }
}
