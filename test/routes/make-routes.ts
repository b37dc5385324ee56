// Makes src/core/guard/routes.json from the specifications of the server (Maven) and of its official client (npm), and the reviewed list.
// Usage: npm run routes
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'

import type { ApiRow } from '../../src/core/guard/routes.ts'
import { findMaven, thisMachine } from '../../src/local-cluster/find-program.ts'
import { readJar } from './read-jar.ts'
import { routesOfClient, routesOfSpecification } from './read-specification.ts'
import type { SpecifiedRoute } from './read-specification.ts'
import { REVIEWED_APIS } from './reviewed-apis.ts'

const ARTIFACT = 'org.opensearch:rest-api-spec:3.1.0'
const root = join(import.meta.dirname, '../..')

const jar = await fetchJar(ARTIFACT)
const files = readJar(jar, (name) => /^rest-api-spec\/api\/[^_]\S*\.json$/.test(name))
const ofServer = routesOfSpecification(files.values())
const rows = rowsOf([...ofServer, ...(await routesOfClient())])

await writeFile(
  join(root, 'src/core/guard/routes.json'),
  `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`,
)
const vector = {
  artifact: ARTIFACT,
  sha256: createHash('sha256').update(jar).digest('hex'),
  routes: [...new Set(ofServer.map(({ api, method, path }) => `${api} ${method} ${path}`))].sort(),
}
await writeFile(join(root, 'test/vectors/specified-routes.json'), `${JSON.stringify(vector, undefined, 2)}\n`)

/** Maven's own local repository and settings are used, as everywhere here. */
async function fetchJar(artifact: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'rest-api-spec-'))
  try {
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
    const args = [
      '--batch-mode',
      '--quiet',
      '--strict-checksums',
      goal,
      `-Dartifact=${artifact}`,
      `-DoutputDirectory=${folder}`,
    ]
    const { status, stderr, stdout } = spawnSync(findMaven(thisMachine(process.env, homedir(), false)), args, {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`Maven could not fetch ${artifact}:\n${stdout}${stderr}`)
    const [, name = '', version = ''] = artifact.split(':')
    return await readFile(join(folder, `${name}-${version}.jar`))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One row an API. A path that differs from an earlier one only in the names of its parameters is the same: the client leaves some of them out. */
function rowsOf(specified: readonly SpecifiedRoute[]): ApiRow[] {
  const known = new Set<string>()
  const routes = new Map<string, Map<string, string[]>>()
  for (const { api, method, path } of specified) {
    const shape = `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`
    if (known.has(shape)) continue
    known.add(shape)
    const paths = routes.get(api) ?? new Map<string, string[]>()
    paths.set(path, [...(paths.get(path) ?? []), method])
    routes.set(api, paths)
  }
  const unknown = Object.keys(REVIEWED_APIS).filter((api) => !routes.has(api))
  if (unknown.length > 0) throw new Error(`reviewed, but in no specification: ${unknown.join(', ')}`)
  return [...routes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([api, paths]) => ({
      api,
      ...(REVIEWED_APIS[api] ?? { class: 'admin', reach: 'any', body: 'opaque' }),
      routes: Object.fromEntries([...paths].map(([path, methods]) => [path, methods.sort()])),
    }))
}
