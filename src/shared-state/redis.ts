import { createClient } from 'redis'

export interface RedisOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly keyPrefix: string
  /** For each command, and for a connection to stand. */
  readonly timeoutMs: number
  /** It became reachable, or stopped being so; said once each. */
  readonly onChange: (isUp: boolean) => void
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
export function openRedis({ url, username, password, keyPrefix, timeoutMs, onChange }: RedisOptions): Redis {
  const client = createClient({
    url,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    socket: { connectTimeout: timeoutMs, reconnectStrategy: RECONNECT_MS },
  })
  let isUp = false
  const change = (now: boolean): void => {
    if (now !== isUp) onChange(now)
    isUp = now
  }
  client.on('ready', () => change(true))
  // Without a listener an error event would end the process.
  client.on('error', () => change(false))
  const connected = client.connect().catch(() => undefined)

  async function inTime<Value>(work: Promise<Value>): Promise<Value> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The shared state did not answer in time')), timeoutMs)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async setIfAbsent(key, value, forMs) {
      const options = { condition: 'NX', expiration: { type: 'PX', value: forMs } } as const
      return (await inTime(client.set(keyPrefix + key, value, options))) !== null
    },
    get: (key) => inTime(client.get(keyPrefix + key)),
    run: (script, keys, args) =>
      inTime(client.eval(script, { keys: keys.map((key) => keyPrefix + key), arguments: [...args] })),
    isUp: () => isUp,
    async close() {
      client.destroy()
      await connected
    },
  }
}
