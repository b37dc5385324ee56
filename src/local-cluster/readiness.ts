import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Probe {
  readonly ca: string
  readonly user: { readonly username: string; readonly password: string }
}

/** The port that the server listens on, from the file that it writes when it does; `undefined` before. */
export async function listeningPort(portsFile: string): Promise<number | undefined> {
  const text = await readFile(portsFile, 'utf8').catch(() => '')
  const port = /^127\.0\.0\.1:(\d+)$/m.exec(text)?.[1]
  return port === undefined ? undefined : Number(port)
}

/** Resolves with the first defined answer of `ask`, which is asked every 100 ms until `signal` says to stop. */
export async function waitFor<T>(ask: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await sleep(100, undefined, { signal })
  }
}

/** True once the cluster can be worked with: its health is known, and with security its users are too (503 before). */
export async function isReady(url: string, probe: Probe | undefined): Promise<true | undefined> {
  const status = await statusOf(new URL('/_cluster/health?wait_for_status=yellow&timeout=1s', url), probe)
  return status === 200 ? true : undefined
}

function statusOf(url: URL, probe: Probe | undefined): Promise<number | undefined> {
  const options =
    probe === undefined
      ? { agent: false as const }
      : { agent: false as const, ca: probe.ca, auth: `${probe.user.username}:${probe.user.password}` }
  return new Promise((resolve) => {
    const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
    request.setTimeout(5000, () => request.destroy())
    request.once('error', () => resolve(undefined))
    request.once('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.end()
  })
}
