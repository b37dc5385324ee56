import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { LocalClusterError } from './local-cluster-error.ts'
import { mavenProject, type Part } from './maven-project.ts'
import type { OnProgress } from '../progress.ts'

export interface Maven {
  readonly program: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Fetches the parts from Maven Central into `folder/<part>/jars` and `folder/<part>/unzipped`. Maven keeps what it
 * downloads in its own local repository too, and obeys the mirrors and proxies of the user's settings.xml.
 * Throws LocalClusterError with Maven's own words when it fails.
 */
export async function fetchParts(
  maven: Maven,
  parts: readonly Part[],
  folder: string,
  onProgress: OnProgress,
): Promise<void> {
  for (const [path, text] of mavenProject(parts)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const child = spawn(maven.program, ['--batch-mode', '--strict-checksums', 'generate-resources'], {
    cwd: folder,
    env: maven.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  // Maven reports on standard output; its start script and its Java complain on standard error.
  const errors: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  const downloads = countDownloads(onProgress)
  for await (const line of createInterface({ input: child.stdout })) {
    downloads(line)
    if (line.startsWith('[ERROR]')) errors.push(line)
  }
  const code = await ended
  if (code === 0) return
  throw new LocalClusterError(
    `Maven could not fetch OpenSearch (${maven.program} ended with ${String(code)}):\n${firstLines(errors)}\n` +
      'It needs to reach https://repo.maven.apache.org, or a mirror or proxy that ~/.m2/settings.xml names.',
  )
}

/** What Maven says first is why; its advice on switches and its links follow. */
function firstLines(errors: readonly string[]): string {
  const lines = errors.map((line) => stripVTControlCharacters(line).replace('[ERROR] ', '').trim())
  return lines
    .filter((line) => line !== '' && line !== '[ERROR]')
    .slice(0, 4)
    .map((line) => `  ${line}`)
    .join('\n')
}

const SHOW_EVERY_MS = 500
const MEBIBYTES: Readonly<Record<string, number>> = { B: 2 ** -20, kB: 2 ** -10, MB: 1 }

/** Reads Maven's "Downloaded from central: <url> (<n> <unit> at <rate>)" lines. */
function countDownloads(onProgress: OnProgress): (line: string) => void {
  let files = 0
  let mebibytes = 0
  let shown = 0
  return (line) => {
    const match = /Downloaded from \S+ (\S+\.(?:jar|zip)) \(([\d.]+) (B|kB|MB) /.exec(line)
    if (match === null) return
    files += 1
    mebibytes += Number(match[2]) * (MEBIBYTES[match[3] ?? ''] ?? 0)
    if (Date.now() - shown < SHOW_EVERY_MS) return
    shown = Date.now()
    onProgress(
      `Fetching OpenSearch from Maven Central: ${files} files, ${mebibytes.toFixed(1)} MB (${match[1]?.split('/').at(-1) ?? ''})`,
    )
  }
}
