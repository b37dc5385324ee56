import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

/** One path of an API with its methods: `['search', 'GET', '/{index}/_search']`. */
export interface SpecifiedRoute {
  readonly api: string
  readonly method: string
  readonly path: string
}

interface SpecificationFile {
  readonly [api: string]: { readonly url?: { readonly paths: readonly { path: string; methods: readonly string[] }[] } }
}

/** The routes of the server's own specification: the `rest-api-spec/api` of the Maven artefact `org.opensearch:rest-api-spec`. */
export function routesOfSpecification(files: Iterable<string>): SpecifiedRoute[] {
  const routes: SpecifiedRoute[] = []
  for (const text of files) {
    for (const [api, { url }] of Object.entries(JSON.parse(text) as SpecificationFile)) {
      for (const { path, methods } of url?.paths ?? []) {
        routes.push(...methods.map((method) => ({ api, method, path: path.replace(/(?<=.)\/$/, '') })))
      }
    }
  }
  return routes
}

const require = createRequire(import.meta.url)

/**
 * The routes that the official client knows, plugins included: each of its functions is called with every choice of its path's parameters, and with
 * and without a body, and what it would have sent is written down.
 */
export async function routesOfClient(): Promise<SpecifiedRoute[]> {
  const folder = join(dirname(require.resolve('@opensearch-project/opensearch')), 'api')
  const files = (await readdir(folder, { recursive: true })).filter((file) => /^\w+\/[a-z]\w*\.js$/.test(file))
  const lists = await Promise.all(files.filter((file) => !file.startsWith('http/')).map((file) => record(folder, file)))
  return lists.flat()
}

type ApiFunction = (this: unknown, parameters: Record<string, unknown>) => unknown

async function record(folder: string, file: string): Promise<SpecifiedRoute[]> {
  const source = await readFile(join(folder, file), 'utf8')
  const parts = [...source.matchAll(/(\w+) = parsePathParam\(/g)].map(([, part = '']) => part)
  const run = require(join(folder, file)) as ApiFunction
  const routes: SpecifiedRoute[] = []
  const transport = {
    request({ method, path }: { method: string; path: string }) {
      routes.push({ api: apiName(file), method, path: decodeURIComponent(path).replace(/(?<=.)\/$/, '') })
    },
  }

  for (const given of choices(parts)) {
    for (const body of [undefined, {}]) {
      const parameters = Object.fromEntries(given.map((part) => [part, `{${part}}`]))
      // Without a parameter that it needs, a function returns a rejected promise.
      const wanted = { transport }
      await Promise.resolve(callOf(run, wanted, { ...parameters, body })).catch(() => undefined)
    }
  }
  return routes
}

function callOf(run: ApiFunction, api: unknown, parameters: Record<string, unknown>): unknown {
  try {
    return run.call(api, parameters)
  } catch {
    return undefined
  }
}

function choices(parts: readonly string[]): string[][] {
  return parts.reduce<string[][]>((sets, part) => [...sets, ...sets.map((set) => [...set, part])], [[]])
}

/** `indices/getAlias.js` is `indices.get_alias`, as in the specification; `_core` has no prefix there. */
function apiName(file: string): string {
  const snake = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const namespace = snake(dirname(file))
  const name = snake(basename(file, '.js'))
  return namespace === '_core' ? name : `${namespace}.${name}`
}
