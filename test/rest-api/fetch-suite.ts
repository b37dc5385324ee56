import { execFile } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { cached, cacheFolder } from '../../src/local-cluster/cache.ts'
import { findMaven, thisMachine } from '../../src/local-cluster/find-program.ts'

/** The newest on Maven Central in November 2026. */
export const SUITE_VERSION = '3.1.0'

/** The folder with `api/` and `test/` of the server's own REST tests, fetched from Maven Central on first use. */
export async function fetchSuite(): Promise<string> {
  const fill = async (folder: string): Promise<void> => {
    const maven = findMaven(thisMachine(process.env, homedir(), false))
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack'
    const artifact = `-Dartifact=org.opensearch:rest-api-spec:${SUITE_VERSION}:jar`
    const args = ['--batch-mode', '--quiet', '--strict-checksums', goal, artifact, `-DoutputDirectory=${folder}`]
    await promisify(execFile)(maven, args, { cwd: folder })
  }
  const folder = await cached(
    cacheFolder(process.env, homedir()),
    `rest-api-spec-${SUITE_VERSION}`,
    fill,
    () => undefined,
  )
  return join(folder, 'rest-api-spec')
}
