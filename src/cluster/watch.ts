import { GatewayError } from '../core/failure.ts'
import type { ClusterClient } from './client.ts'
import type { ReadableIndices } from './readable-indices.ts'

/** What the last watch of a cluster saw. */
export interface ClusterHealth {
  readonly reachable: boolean
  readonly version: string | undefined
  /** Why it cannot be used: a failure's code. */
  readonly problem: string | undefined
}

export interface ClusterWatch {
  /** The first look; never rejects. */
  start(): Promise<void>
  health(): ClusterHealth
  close(): void
}

interface Options {
  readonly client: ClusterClient
  readonly readable: ReadableIndices
  readonly containerIndex: string
  readonly intervalMs: number
}

/** Asks the cluster now and then who it is, and whether the containers' index shows itself to the service identity. */
export function watchCluster({ client, readable, containerIndex, intervalMs }: Options): ClusterWatch {
  let health: ClusterHealth = { reachable: false, version: undefined, problem: 'not asked yet' }
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const signal = AbortSignal.timeout(Math.min(intervalMs, 5_000))
    try {
      const version = await readVersion(client, signal)
      health = { reachable: true, version, problem: undefined }
      await readable.prove(containerIndex, signal)
    } catch (error) {
      const problem = error instanceof GatewayError ? error.code : 'unexpected'
      // A masked index is told of by itself, and one that is not there yet hides nothing.
      if (!health.reachable || problem === 'upstreamUnavailable' || problem === 'upstreamTimeout') {
        health = { ...health, reachable: false, problem }
      } else if (problem === 'upstreamRefusedGateway') {
        health = { ...health, problem }
      }
    }
  }

  return {
    async start() {
      await look()
      timer = setInterval(() => void look(), intervalMs).unref()
    },
    health: () => health,
    close: () => clearInterval(timer),
  }
}

async function readVersion(client: ClusterClient, signal: AbortSignal): Promise<string> {
  const { status, body } = await client.request({ method: 'GET', path: '/' }, signal)
  if (status === 401 || status === 403)
    throw new GatewayError('upstreamRefusedGateway', { cause: { status, error: body } })
  if (status !== 200) throw new GatewayError('upstreamUnavailable', { cause: { status, error: body } })
  const version = typeof body === 'object' && body !== null && 'version' in body ? body.version : undefined
  const number = typeof version === 'object' && version !== null && 'number' in version ? version.number : undefined
  return typeof number === 'string' ? number : 'unknown'
}
