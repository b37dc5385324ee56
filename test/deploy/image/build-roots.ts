import { execFile } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { promisify } from 'node:util'

import { environmentOf, readDockerfile } from './read-dockerfile.ts'
import type { Instruction, Stage } from './read-dockerfile.ts'
import { inRoot } from './in-root.ts'

/** What came out of the Dockerfile's last stage. */
export interface BuiltImage {
  /** Its files; not those of its base image. */
  readonly root: string
  readonly stage: Stage
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
}

interface Build {
  readonly context: string
  /** For the roots of the stages. */
  readonly scratch: string
  /** Files that base images bring along, as paths in them, and where they are here. */
  readonly baseFiles: ReadonlyMap<string, string>
}

/**
 * Runs a Dockerfile's own steps without a Docker engine: each stage has a folder for its root, its RUN lines run in a root of their own that is
 * made of this machine's system and that folder. Throws for an instruction that it does not know.
 */
export async function buildRoots({ context, scratch, baseFiles }: Build): Promise<BuiltImage> {
  const roots = new Map<string, string>()
  let built: BuiltImage | undefined
  for (const stage of readDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    const root = join(scratch, stage.name === '' ? 'image' : stage.name)
    mkdirSync(root)
    roots.set(stage.name, root)
    let workdir = '/'
    let env: Record<string, string> = {}
    for (const instruction of stage.instructions) {
      if (instruction.keyword === 'WORKDIR') mkdirSync(join(root, (workdir = instruction.text)), { recursive: true })
      else if (instruction.keyword === 'ENV') env = { ...env, ...environmentOf(instruction) }
      else if (instruction.keyword === 'COPY') copy(instruction, { context, root, workdir, roots, baseFiles })
      else if (instruction.keyword === 'RUN') await runInRoot(instruction, { root, workdir, env, baseFiles })
      else if (!SETTINGS.has(instruction.keyword)) {
        throw new Error(`line ${String(instruction.line)}: ${instruction.keyword} is not known here`)
      }
    }
    built = { root, stage, workdir, env }
  }
  if (built === undefined) throw new Error('no stage')
  return built
}

/** What makes no files. */
const SETTINGS = new Set(['USER', 'EXPOSE', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD', 'LABEL'])

interface CopyPlaces {
  readonly context: string
  readonly root: string
  readonly workdir: string
  readonly roots: ReadonlyMap<string, string>
  readonly baseFiles: ReadonlyMap<string, string>
}

function copy({ line, options, text }: Instruction, { context, root, workdir, roots, baseFiles }: CopyPlaces): void {
  const from = options.get('from')
  const source = from === undefined ? context : roots.get(from)
  const unknown = [...options.keys()].filter((name) => name !== 'from')
  if (source === undefined || unknown.length > 0)
    throw new Error(`line ${String(line)}: COPY as it stands is not known here`)
  const [target = '', ...paths] = text.split(/\s+/).reverse()
  const to = join(root, posix.resolve(workdir, target))
  for (const path of paths.reverse()) {
    if (from === undefined) requireInContext(context, path, line)
    const here = join(source, path)
    const origin = existsSync(here) ? here : baseFiles.get(path)
    if (origin === undefined) throw new Error(`line ${String(line)}: there is no ${path}`)
    // A folder's content goes into the target, a file under its own name where the target ends in a slash.
    cpSync(origin, target.endsWith('/') && !statSync(origin).isDirectory() ? join(to, basename(path)) : to, {
      recursive: true,
      verbatimSymlinks: true,
    })
  }
}

/** .dockerignore lets in what begins with "!", and nothing else. */
function requireInContext(context: string, path: string, line: number): void {
  const [first, ...let_in] = readFileSync(join(context, '.dockerignore'), 'utf8').trim().split('\n')
  if (first !== '*') throw new Error('.dockerignore must begin by leaving everything out')
  if (!let_in.includes(`!${path}`)) throw new Error(`line ${String(line)}: .dockerignore leaves ${path} out`)
}

interface RunPlaces {
  readonly root: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly baseFiles: ReadonlyMap<string, string>
}

async function runInRoot({ text }: Instruction, { root, workdir, env, baseFiles }: RunPlaces): Promise<void> {
  // The base's Node comes before this machine's. Its npm is this machine's: it is one script for all of them.
  const programs = join(root, '..', 'programs')
  mkdirSync(programs, { recursive: true })
  for (const [path, here] of baseFiles) {
    cpSync(here, join(programs, basename(path)))
    chmodSync(join(programs, basename(path)), 0o755)
  }
  const [folder = ''] = workdir.split('/').filter((part) => part !== '')
  const [program, ...args] = inRoot({
    mounts: [
      ...['usr', 'bin', 'sbin', 'lib', 'lib64', 'etc', 'root', 'dev', 'proc']
        .filter((name) => existsSync(`/${name}`))
        .map((name) => ({ from: `/${name}`, to: `/${name}` })),
      { from: programs, to: '/programs' },
      { from: join(root, folder), to: `/${folder}` },
    ],
    workdir,
    command: ['/bin/sh', '-ec', text],
  })
  const options = {
    env: { ...process.env, ...env, PATH: '/programs:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', TMPDIR: '/tmp' },
    maxBuffer: 64 * 2 ** 20,
  }
  await promisify(execFile)(program, args, options).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`RUN ${text}\n${stdout}${stderr}`, { cause: error })
  })
}
