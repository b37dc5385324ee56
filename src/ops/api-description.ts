import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

import { SCRIPT, STYLE, HTML, textual } from './page-file.ts'
import { failed } from './route.ts'
import type { OpsAnswer, OpsRoute } from './route.ts'

/** In `config/`, which lies beside `dist/` and beside `src/`, of the package and of the image. */
const DESCRIPTION = firstThereIs('../config/openapi.yaml', '../../config/openapi.yaml')

/** `npm run build` puts the viewer's files beside what it builds; who runs the sources has them from npm. */
const VIEWER = firstThereIs('viewer/', '../../node_modules/swagger-ui-dist/')

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>opensearch-memory-gateway: API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <link rel="stylesheet" href="docs/contrast.css" />
  </head>
  <body>
    <div id="description"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`

// It only shows: a request from this page would go to the first port, which is another origin. So it asks for no token and offers no server to choose (by a list
// without a label). The links of deepLinking stand within buttons, where screen readers do not find them.
const START = `const showOnly = ({ React }) => ({
  wrapComponents: {
    authorizeBtn: () => () => null,
    authorizeOperationBtn: () => () => null,
    Servers: () => ({ servers }) =>
      React.createElement('p', {}, servers.map((one) => one.get('url') + ': ' + one.get('description')).join(', ')),
  },
})
SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#description',
  deepLinking: false,
  supportedSubmitMethods: [],
  validatorUrl: 'none',
  plugins: [showOnly],
})
`

/** The viewer's own colours are too faint to be read by everybody (WCAG 2.2, 1.4.3). */
const CONTRAST = `.swagger-ui .opblock.opblock-get .opblock-summary-method { background: #0b5cad; }
.swagger-ui .opblock.opblock-post .opblock-summary-method { background: #127a4a; }
.swagger-ui .opblock.opblock-put .opblock-summary-method { background: #9a5200; }
.swagger-ui .opblock.opblock-delete .opblock-summary-method { background: #c01f1f; }
.swagger-ui .info .title small { background: #5a6070; }
.swagger-ui .info .title small.version-stamp { background: #4a6a00; }
.swagger-ui .info a, .swagger-ui .info .link, .swagger-ui a.link { color: #1f5fad; }
.swagger-ui .json-schema-2020-12-expand-deep-button { color: #505050; }
`

/**
 * The API description, and a page that shows it. All of it is open, as the ops page's own files are: it is the same in every installation, says nothing of this
 * one, and a browser that opens an address has no token to send. Files are read when they are asked for.
 * @param parseYaml gives the value that a YAML text stands for
 */
export function descriptionRoutes(parseYaml: (text: string) => unknown): readonly OpsRoute[] {
  return [
    row('/openapi.yaml', async () => textual('application/yaml', await readFile(DESCRIPTION, 'utf8'))),
    row('/openapi.json', async () => ({ status: 200, body: parseYaml(await readFile(DESCRIPTION, 'utf8')) })),
    row('/docs', () => textual(HTML, PAGE)),
    row('/docs/start.js', () => textual(SCRIPT, START)),
    row('/docs/contrast.css', () => textual(STYLE, CONTRAST)),
    row('/docs/swagger-ui-bundle.js', () => viewerFile('swagger-ui-bundle.js', SCRIPT)),
    row('/docs/swagger-ui.css', () => viewerFile('swagger-ui.css', STYLE)),
  ]
}

function row(path: string, answer: OpsRoute['answer']): OpsRoute {
  return { method: 'GET', path, isOpen: true, answer }
}

async function viewerFile(name: string, contentType: string): Promise<OpsAnswer> {
  const text = await readFile(new URL(name, VIEWER), 'utf8').catch(() => undefined)
  if (text !== undefined) return textual(contentType, text)
  return failed(404, 'This installation has no viewer; /openapi.yaml is there for any other')
}

/** What is built is one folder up from what it is built of. */
function firstThereIs(...paths: readonly [string, string]): URL {
  const [built, source] = paths.map((path) => new URL(path, import.meta.url)) as [URL, URL]
  return existsSync(built) ? built : source
}
