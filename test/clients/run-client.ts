import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { normalise } from './normalise.ts'
import type { Script } from './prepare-client.ts'

/** Where a client connects to, and as whom. */
export interface Server {
  readonly url: string
  readonly token: string
  /** Path of the authority that signed the server's certificate. */
  readonly ca?: string
}

/** One run must be over within this: a client that hangs is a failure too. */
const TIMEOUT_MS = 120_000

/** Runs a client's script against a server; its results by step, normalised. Throws with what the script wrote when it failed. */
export async function runClient(
  script: Script,
  { url, token, ca }: Server,
  index: string,
): Promise<Record<string, unknown>> {
  const [program, ...args] = script
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    OPENSEARCH_URL: url,
    OPENSEARCH_TOKEN: token,
    OPENSEARCH_INDEX: index,
    ...(ca === undefined ? {} : { OPENSEARCH_CA: ca }),
  }
  const options = { env, timeout: TIMEOUT_MS, maxBuffer: 64 * 2 ** 20 }
  const { stdout } = await promisify(execFile)(program, args, options).catch((error: unknown) => {
    const { stderr = '', message } = error as { stderr?: string; message: string }
    throw new Error(`${program} against ${url}: ${message}\n${stderr}`, { cause: error })
  })
  return normalise(JSON.parse(stdout), url, index) as Record<string, unknown>
}
