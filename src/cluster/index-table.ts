import { GatewayError } from '../core/failure.ts'
import { makeIndexTable } from '../core/guard/index-table.ts'
import type { IndexNames, IndexTable, Reliance } from '../core/guard/index-table.ts'
import type { Protection } from '../core/guard/protected-indices.ts'
import type { ClusterClient } from './client.ts'
import { asList, asObject, asString, failureOf } from './reading.ts'

/** The table of a cluster's indices as one decision sees it. */
export interface TableInUse {
  /** The newest table at hand, which may be too old. */
  readonly table: IndexTable | undefined
  /**
   * Whether a decision that stands on the table in this way may be used. Where not, the table is read anew, and what was decided has to be
   * decided again once the promise is there (`false`).
   * @throws GatewayError indicesUnknown, and what the cluster's own failures are (the promise)
   */
  isEnough(reliance: Reliance): true | Promise<boolean>
}

/** Keeps a cluster's table of indices: read when it is needed, shared by all who need it then. */
export interface IndexTables {
  /** @param notBefore for names that the table does not hold: how old the table may be, in milliseconds since 1970 */
  use(notBefore: number): TableInUse
}

interface Options {
  readonly client: ClusterClient
  readonly protection: Protection
  /** How long what it says of aliases and patterns is believed, in milliseconds. */
  readonly freshForMs: number
  /** How long an index that it holds is believed to be one; and the rest, while the cluster cannot be asked. */
  readonly maxAgeMs: number
  readonly now?: () => number
}

interface Held {
  readonly table: IndexTable
  /** When the cluster was asked for it. */
  readonly askedAt: number
}

const TIMEOUT_MS = 3_000

export function keepIndexTable({ client, protection, freshForMs, maxAgeMs, now = Date.now }: Options): IndexTables {
  let held: Held | undefined
  let reading: { readonly since: number; readonly done: Promise<void> } | undefined

  async function read(): Promise<void> {
    const askedAt = now()
    const names = await readNames(client, AbortSignal.timeout(TIMEOUT_MS))
    held = { table: makeIndexTable(names, protection), askedAt }
  }

  /** Joins a reading that began late enough, or begins one when the one under way has ended: never two at once. */
  async function readAnew(notBefore: number): Promise<void> {
    while (reading !== undefined && reading.since < notBefore) await reading.done.catch(() => undefined)
    reading ??= { since: now(), done: read().finally(() => (reading = undefined)) }
    await reading.done
  }

  function ageOf({ askedAt }: Held): number {
    return now() - askedAt
  }

  function suffices(reliance: Reliance, notBefore: number): boolean {
    if (reliance === 'nothing') return true
    if (held === undefined) return false
    if (reliance === 'known') return ageOf(held) <= maxAgeMs
    return held.askedAt >= notBefore || (reliance === 'resolved' && ageOf(held) <= freshForMs)
  }

  async function renew(reliance: Reliance, notBefore: number): Promise<boolean> {
    try {
      await readAnew(notBefore)
      return false
    } catch (error) {
      // check: index-table-age
      if (reliance === 'unknown' || held === undefined || ageOf(held) > maxAgeMs) throw asUnknown(error)
      return true
    }
  }

  return {
    use(notBefore) {
      const table = held?.table
      return {
        get table() {
          return held?.table ?? table
        },
        isEnough(reliance) {
          if (!suffices(reliance, notBefore)) return renew(reliance, notBefore)
          // Read before it is needed: whoever asks next need not wait.
          if (held !== undefined && reliance === 'known' && ageOf(held) > maxAgeMs / 2)
            readAnew(0).catch(() => undefined)
          return true
        },
      }
    },
  }
}

/** A refusal of our own credentials stays what it is; all else means that nothing can be told. */
function asUnknown(error: unknown): GatewayError {
  const isOurs = error instanceof GatewayError && error.code === 'upstreamRefusedGateway'
  return isOurs ? error : new GatewayError('indicesUnknown', { cause: error, retryAfterSeconds: 1 })
}

/** Names only, hidden and closed ones too: cheap for the node, whatever the mappings are. */
async function readNames(client: ClusterClient, signal: AbortSignal): Promise<IndexNames> {
  const answer = await client.request(
    { method: 'GET', path: '/_resolve/index/*', querystring: { expand_wildcards: 'all' } },
    signal,
  )
  if (answer.status !== 200) throw failureOf(answer)
  const body = asObject(answer.body)
  const listed = (key: string): readonly Readonly<Record<string, unknown>>[] => asList(body[key]).map(asObject)
  const indices = listed('indices')
  return {
    indices: indices.map(({ name }) => asString(name)),
    groups: [
      ...listed('aliases').map((alias) => group(alias, 'indices')),
      ...listed('data_streams').map((stream) => group(stream, 'backing_indices')),
    ],
  }
}

function group(row: Readonly<Record<string, unknown>>, key: string): IndexNames['groups'][number] {
  return { name: asString(row['name']), indices: [row[key]].flat().map(asString) }
}
