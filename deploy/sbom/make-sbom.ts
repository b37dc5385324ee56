import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

// `npm run -s sbom`: what the container image is built of beside Node, as CycloneDX 1.5 on stdout.
//
// npm's own `sbom --omit=dev` leaves out every production package that a development package needs too (npm 11.19: 33 of 115, zod and yaml among them),
// so the whole is asked for, and what is not production is taken out here, by the lock file.

interface Component {
  readonly 'bom-ref': string
  readonly group?: string
  readonly name: string
  readonly version: string
}
interface Bom {
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}
interface Lock {
  readonly packages: Readonly<
    Record<string, { version: string; dev?: boolean; optional?: boolean; devOptional?: boolean }>
  >
}

const root = join(import.meta.dirname, '../..')

/** Whose files are in `dist/viewer`, though no code of ours asks for them. */
const SERVED = 'node_modules/swagger-ui-dist'

/** `name@version` of all that `npm ci --omit=dev --omit=optional` installs, and of what is served. */
function readProduction(): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock
  const production = Object.entries(packages).filter(
    ([path, { dev, optional, devOptional }]) =>
      path === SERVED || (path !== '' && dev !== true && optional !== true && devOptional !== true),
  )
  return new Set(production.map(([path, { version }]) => `${path.split('node_modules/').at(-1) ?? ''}@${version}`))
}

function readWhole(): Bom {
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application']
  const printed = execFileSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 2 ** 20,
  })
  return JSON.parse(printed.toString()) as Bom
}

/** npm names the whole after its folder, whatever package.json says. */
function nameRoot(bom: Bom): Bom {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Component
  const { component } = bom.metadata
  const ref = `${name}@${version}`
  const named = { ...component, 'bom-ref': ref, name, version, purl: `pkg:npm/${ref}` }
  const dependencies = bom.dependencies.map((one) => (one.ref === component['bom-ref'] ? { ...one, ref } : one))
  return { ...bom, metadata: { ...bom.metadata, component: named }, dependencies }
}

const production = readProduction()
const whole = nameRoot(readWhole())
const nameOf = ({ group, name, version }: Component): string =>
  `${group === undefined ? '' : `${group}/`}${name}@${version}`
const components = whole.components.filter((component) => production.has(nameOf(component)))
const kept = new Set([whole.metadata.component, ...components].map((component) => component['bom-ref']))
const dependencies = whole.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }))
process.stdout.write(`${JSON.stringify({ ...whole, components, dependencies }, undefined, 2)}\n`)
