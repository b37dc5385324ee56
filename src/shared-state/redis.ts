import { createClient } from 'redis'

export interface RedisOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string
  readonly username: string | undefined
  readonly password: string | undefined
  /** PEM, for `rediss://`: the system's authorities and no certificate of ours where absent. */
  readonly tls:
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
    | undefined
  readonly keyPrefix: string
  /** For each command, and for a connection to stand. */
  readonly timeoutMs: number
  /** It became reachable, or was found not to be, and why; said once each. */
  readonly onChange: (isUp: boolean, cause?: unknown) => void
}

/** The few commands that are used, each of them within its time. */
export interface Redis {
  /** Sets the key for so long if it does not exist. @returns whether it did not */
  setIfAbsent(key: string, value: string, forMs: number): Promise<boolean>
  get(key: string): Promise<string | null>
  /** Runs a Lua script (EVAL) on keys and arguments. */
  run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  isUp(): boolean
  close(): Promise<void>
}

const RECONNECT_MS = 500
/** Commands that wait for an answer of a server that gives none; beyond it they fail at once. */
const MAX_WAITING = 10_000

/** Connects to a Redis or Valkey server, and connects again whenever it is lost. Commands fail at once while it is away: nobody waits for it. */
export function openRedis(options: RedisOptions): Redis {
  const { keyPrefix, timeoutMs, onChange } = options
  let isUp: boolean | undefined
  let isClosed = false
  const change = (now: boolean, cause?: unknown): void => {
    if (now !== isUp) onChange(now, cause)
    isUp = now
  }
  let connection = connect()
  let openedAt = performance.now()

  function connect() {
    const client = openClient(options)
    const isCurrent = (): boolean => connection.client === client
    let timer: NodeJS.Timeout | undefined
    client.on('connect', () => {
      // The client's own limit ends where the connection stands: a server that then says nothing would be waited for without end.
      clearTimeout(timer)
      timer = setTimeout(() => isCurrent() && !client.isReady && reconnect(new Late()), 2 * timeoutMs).unref()
    })
    client.on('ready', () => isCurrent() && change(true))
    // Without a listener an error event would end the process.
    client.on('error', (error) => isCurrent() && change(false, error))
    return { client, ended: client.connect().catch(() => undefined) }
  }

  /** By a new connection: whoever has the address now is another server after a failover, and the old connection may stand for long. */
  function reconnect(cause: unknown): void {
    if (isClosed || performance.now() - openedAt < RECONNECT_MS) return
    openedAt = performance.now()
    const old = connection
    connection = connect()
    change(false, cause)
    old.client.destroy()
  }

  async function inTime<Value>(work: (client: Client) => Promise<Value>): Promise<Value> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Late()), timeoutMs)
    })
    try {
      return await Promise.race([work(connection.client), late])
    } catch (error) {
      if (error instanceof Late || isReadOnly(error)) reconnect(error)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async setIfAbsent(key, value, forMs) {
      const conditions = { condition: 'NX', expiration: { type: 'PX', value: forMs } } as const
      return (await inTime((client) => client.set(keyPrefix + key, value, conditions))) !== null
    },
    get: (key) => inTime((client) => client.get(keyPrefix + key)),
    run: (script, keys, args) =>
      inTime((client) => client.eval(script, { keys: keys.map((key) => keyPrefix + key), arguments: [...args] })),
    isUp: () => isUp === true,
    async close() {
      isClosed = true
      connection.client.destroy()
      await connection.ended
    },
  }
}

class Late extends Error {
  override readonly message = 'The shared state did not answer in time'
}

/** A primary that has become a replica: its connections stand, and it takes no more writes. */
function isReadOnly(error: unknown): boolean {
  return error instanceof Error && /\bREADONLY\b/.test(error.message)
}

type Client = ReturnType<typeof openClient>

function openClient({ url, username, password, tls, timeoutMs }: RedisOptions) {
  return createClient({
    url,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    socket: {
      connectTimeout: timeoutMs,
      reconnectStrategy: RECONNECT_MS,
      ...(tls === undefined ? {} : { tls: true as const, ...tls }),
    },
  })
}
