import { GatewayError } from '../core/failure.ts'
import type { ClusterClient } from './client.ts'
import type { ReadableIndices } from './readable-indices.ts'
import { asObject, asString, failureOf } from './reading.ts'

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
  /** Has it look soon, where it would not do so anyway: for whoever has just seen a request fail. */
  nudge(): void
  close(): void
}

interface Options {
  readonly client: ClusterClient
  readonly readable: ReadableIndices
  readonly containerIndex: string
  /** How long a good look holds. */
  readonly intervalMs: number
}

/** How soon a cluster in trouble is looked at again. */
const RETRY_MS = 500
const LOOK_TIMEOUT_MS = 3_000

/** Asks the cluster now and then who it is, and whether the containers' index shows itself to the service identity. */
export function watchCluster({ client, readable, containerIndex, intervalMs }: Options): ClusterWatch {
  let health: ClusterHealth = { reachable: false, version: undefined, problem: 'not asked yet' }
  let timer: NodeJS.Timeout | undefined
  let isSoon = false
  let isClosed = false

  async function look(): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS)
    try {
      const version = await readVersion(client, signal)
      await readable.prove(containerIndex, signal).catch(ignoreWhatIsToldElsewhere)
      await readable.recheck()
      health = { reachable: true, version, problem: undefined }
    } catch (error) {
      const problem = error instanceof GatewayError ? error.code : 'unexpected'
      const reachable = problem !== 'upstreamUnavailable' && problem !== 'upstreamTimeout'
      health = { ...health, reachable, problem }
    }
  }

  async function lookAndPlan(): Promise<void> {
    isSoon = true
    await look()
    if (!isClosed) plan(health.problem === undefined ? intervalMs : RETRY_MS)
  }

  function plan(inMs: number): void {
    isSoon = inMs <= RETRY_MS
    clearTimeout(timer)
    timer = setTimeout(() => void lookAndPlan(), inMs).unref()
  }

  return {
    start: lookAndPlan,
    health: () => health,
    nudge() {
      if (!isSoon && !isClosed) plan(RETRY_MS)
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

/** A masked index is a check of its own, and one that is not there yet hides nothing. */
function ignoreWhatIsToldElsewhere(error: unknown): void {
  const isMissing = error instanceof GatewayError && error.code === 'upstreamInvalid'
  const isMasked = error instanceof GatewayError && error.code === 'upstreamMasked'
  if (!isMissing && !isMasked) throw error
}

async function readVersion(client: ClusterClient, signal: AbortSignal): Promise<string> {
  const answer = await client.request({ method: 'GET', path: '/', isRepeatable: true }, signal)
  if (answer.status !== 200) throw failureOf(answer)
  return asString(asObject(asObject(answer.body)['version'])['number'])
}
