import { beforeAll, expect, test } from '@jest/globals'

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')

interface Package {
  readonly version: string
  readonly integrity?: string
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
}
interface Bom {
  readonly bomFormat: string
  readonly specVersion: string
  readonly metadata: {
    readonly component: { readonly name: string; readonly version: string; readonly 'bom-ref': string }
  }
  readonly components: readonly {
    readonly 'bom-ref': string
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly hashes: readonly { readonly alg: string; readonly content: string }[]
  }[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Package>
}
const own = packages['']
let bom: Bom

beforeAll(() => {
  const printed = execFileSync('npm', ['run', '-s', 'sbom'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: 'pipe',
    maxBuffer: 2 ** 26,
  })
  bom = JSON.parse(printed) as Bom
}, 60_000)

/** Where a package's own dependency is found, as Node looks for it: beside it, or further out. */
function resolve(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (path in packages) return path
    if (folder === '') return undefined
  }
}

/** All that the gateway needs, followed from package.json through the lock file: not the flags that the script goes by. */
function needed(): Set<string> {
  const found = new Set<string>()
  const follow = (from: string): void => {
    for (const name of Object.keys(packages[from]?.dependencies ?? {})) {
      const path = resolve(from, name)
      if (path === undefined || found.has(path)) continue
      found.add(path)
      follow(path)
    }
  }
  follow('')
  return found
}

const keyOf = (path: string): string => `${path.split('node_modules/').at(-1) ?? ''}@${packages[path]?.version ?? ''}`
const names = (): string[] => bom.components.map((component) => component['bom-ref'])

test('it is CycloneDX, of this version of the gateway', () => {
  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' })
  expect(bom.metadata.component).toMatchObject({ name: 'opensearch-memory-gateway', version: own?.version })
})

test('it has every production dependency, those of dependencies included, with version and integrity', () => {
  const paths = needed()
  expect(paths.size).toBeGreaterThan(80)
  for (const path of paths) {
    const component = bom.components.find((one) => one['bom-ref'] === keyOf(path))
    const sha512 = Buffer.from(packages[path]?.integrity?.replace('sha512-', '') ?? '', 'base64').toString('hex')
    expect([keyOf(path), component?.hashes]).toEqual([keyOf(path), [{ alg: 'SHA-512', content: sha512 }]])
  }
})

test('it has the viewer of the API description, whose files are served', () => {
  const { version } = packages['node_modules/swagger-ui-dist'] ?? {}
  expect(names()).toContain(`swagger-ui-dist@${String(version)}`)
})

test('it has no dev and no optional one beside that', () => {
  const wanted = new Set([...needed(), 'node_modules/swagger-ui-dist'].map(keyOf))
  expect(names().filter((name) => !wanted.has(name))).toEqual([])
  const others = Object.keys({ ...own?.devDependencies, ...own?.optionalDependencies })
  for (const name of others.filter((one) => one !== 'swagger-ui-dist')) {
    expect(names().some((one) => one.startsWith(`${name}@`))).toBe(false)
  }
})

test('who needs whom names only what it has', () => {
  const all = new Set([bom.metadata.component['bom-ref'], ...names()])
  for (const { ref, dependsOn } of bom.dependencies) {
    expect([ref, ...dependsOn].filter((name) => !all.has(name))).toEqual([])
  }
  expect(bom.dependencies.map(({ ref }) => ref)).toEqual(expect.arrayContaining(names()))
})
