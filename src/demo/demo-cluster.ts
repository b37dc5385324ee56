import { startEmbeddedStore } from '../embedded/server.ts'
import { progressPrinter } from '../progress.ts'
import { startOpenSearch } from '../local-cluster/start-opensearch.ts'
import type { SampleDocument } from './sample-memories.ts'

type Service =
  { readonly kind: 'none' } | { readonly kind: 'basic'; readonly username: string; readonly password: string }

/** The cluster behind a demo, and what the demo does to it itself. */
export interface DemoCluster {
  readonly url: string
  /** As whom the gateway speaks to it: the `service` of its configuration. */
  readonly service: Service
  write(documents: readonly SampleDocument[]): Promise<void>
  removeIndices(indices: readonly string[]): Promise<void>
  close(): Promise<void>
}

interface Options {
  readonly real: boolean
  readonly cluster?: string
}

/** Opens the cluster that the demo was asked to use: the user's own, a real one of this machine, or the embedded store. */
export async function openDemoCluster(options: Options, say: (text: string) => void): Promise<DemoCluster> {
  if (options.cluster !== undefined) return ownCluster(options.cluster)
  if (options.real) {
    const progress = progressPrinter(process.stderr)
    const server = await startOpenSearch({ onProgress: progress.show }).finally(() => progress.end())
    return demoCluster(server.url, { kind: 'none' }, () => server.stop())
  }
  const store = await startEmbeddedStore()
  say('This demo runs on an embedded store: for trying the gateway with nothing but Node. It keeps nothing.\n')
  return demoCluster(store.url, { kind: 'none' }, () => store.close())
}

function ownCluster(address: string): DemoCluster {
  if (!URL.canParse(address))
    throw new Error(`--cluster needs an address, as in http://127.0.0.1:9200; ${address} is none`)
  const { origin, username, password } = new URL(address)
  const service: Service =
    username === ''
      ? { kind: 'none' }
      : { kind: 'basic', username: decodeURIComponent(username), password: decodeURIComponent(password) }
  return demoCluster(origin, service, () => Promise.resolve())
}

function demoCluster(url: string, service: Service, close: () => Promise<void>): DemoCluster {
  const authorization =
    service.kind === 'none'
      ? undefined
      : `Basic ${Buffer.from(`${service.username}:${service.password}`).toString('base64')}`

  async function send(method: string, path: string, body?: string): Promise<unknown> {
    const headers = {
      'content-type': 'application/x-ndjson',
      ...(authorization === undefined ? {} : { authorization }),
    }
    const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) }).catch(
      (error: unknown) => {
        throw new Error(`The cluster at ${url} cannot be reached`, { cause: error })
      },
    )
    const answer: unknown = await response.json()
    if (response.ok) return answer
    throw new Error(`The cluster at ${url} answered ${String(response.status)} to ${method} ${path}`)
  }

  return {
    url,
    service,
    async write(documents) {
      const lines = documents.flatMap(({ index, id, source }) => [{ create: { _index: index, _id: id } }, source])
      const answer = await send(
        'POST',
        '/_bulk?refresh=true',
        `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`,
      )
      const failed = typeof answer !== 'object' || answer === null || !('errors' in answer) || answer.errors !== false
      if (failed) throw new Error(`The cluster at ${url} did not take all of the demo's documents`)
    },
    async removeIndices(indices) {
      for (const index of indices) {
        // One by one and by exact name: a demo on somebody's own cluster must never delete by wildcard.
        await send('DELETE', `/${index}`).catch(() => undefined)
      }
    },
    close,
  }
}
