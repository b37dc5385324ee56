import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'

import { build } from 'esbuild'
import type { Metafile } from 'esbuild'

// `npm run build`: dist/, the gateway as it is deployed. All that it runs is in a few files, packages included: to find, read and link a thousand modules was two
// fifths of a start (docs/performance.md). Names stay as they are, so that a profile and a stack can be read.
//
// Where a package is asked for that is not in there, the build fails, but for those that their callers do without.

const ROOT = join(import.meta.dirname, '../..')
const DIST = join(ROOT, 'dist')
/** Asked for in a `try`, and never installed here: a faster hash for the cache of @redis/client, which the gateway does not use. */
const DONE_WITHOUT = new Set(['@node-rs/xxhash'])
/** What a package calls the terms that it is given away under. */
const TERMS = /^(licen[cs]e|notice|copying)([.-].*)?$/i

rmSync(DIST, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/cli.ts'],
  outdir: DIST,
  bundle: true,
  splitting: true,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  minifyWhitespace: true,
  minifySyntax: true,
  // Their terms are in one file, below.
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  // CommonJS packages ask for Node's own modules with it.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  logLevel: 'warning',
})
expectWhole(metafile)
writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES.txt'), noticesOf(metafile))
copyFiles('src/ops/page', 'page', /\.(html|css|js)$/)
copyFiles(
  'node_modules/swagger-ui-dist',
  'viewer',
  /^(LICENSE|NOTICE|swagger-ui\.css|swagger-ui-bundle\.js(\.LICENSE\.txt)?)$/,
)

function expectWhole({ outputs }: Metafile): void {
  const asked = Object.values(outputs).flatMap(({ imports }) => imports.filter(({ external }) => external === true))
  const missing = asked.map(({ path }) => path).filter((path) => !isBuiltin(path) && !DONE_WITHOUT.has(path))
  if (missing.length > 0) throw new Error(`dist/ would need ${[...new Set(missing)].join(', ')} beside it`)
}

/** The terms of each package that has code in dist/: their licenses ask for it. */
function noticesOf({ outputs }: Metafile): string {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs))
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  return [...new Set(folders)]
    .sort()
    .map(noticeOf)
    .join(`\n${'='.repeat(100)}\n\n`)
}

function noticeOf(folder: string): string {
  const path = join(ROOT, folder)
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Record<
    string,
    string
  >
  if (license === undefined) throw new Error(`${folder} does not say its license`)
  const texts = readdirSync(path).filter((file) => TERMS.test(file))
  return (
    [`${name} ${version} (${license})`, ...texts.map((file) => readFileSync(join(path, file), 'utf8').trim())].join(
      '\n\n',
    ) + '\n'
  )
}

function copyFiles(from: string, to: string, names: RegExp): void {
  mkdirSync(join(DIST, to))
  for (const name of readdirSync(join(ROOT, from)).filter((file) => names.test(file))) {
    cpSync(join(ROOT, from, name), join(DIST, to, name))
  }
}
