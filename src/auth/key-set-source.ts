import { open } from 'node:fs/promises'
import { Agent, request } from 'undici'
import type { Dispatcher } from 'undici'
import type { IssuerOptions, KeyCacheOptions, KeysOptions } from './issuer.ts'
import { isLoopback, keyUriProblem } from './key-uri.ts'
import { parseDocument, readKeys } from './parse-key-set.ts'
import type { JsonObject } from '../core/strict-json.ts'

/** Where a key set is read from, again and again. */
export interface KeySetSource {
  /** For messages: an address or a path. */
  readonly name: string
  /** Whether the gateway must not start when the first read fails: a file does not come back by itself. */
  readonly mustWorkAtStart: boolean
  /** Reads the whole set; throws an `Error` that says why it cannot, after `fetchTimeoutMs` at the latest. */
  load(): Promise<readonly JsonObject[]>
  close(): void
}

/** Who wants to know of each request that is made. */
interface FetchWatch {
  readonly onAsk?: () => void
  /** @param date the answer's `Date` */
  readonly onDate?: (date: string) => void
}

/** The source of an issuer's keys: a fixed address, the one that OIDC discovery names, or a file. */
export function openKeySetSource(
  issuer: string,
  keys: Exclude<KeysOptions, { kind: 'secret' }>,
  cache: IssuerOptions['cache'],
  watch: FetchWatch = {},
): KeySetSource {
  if (keys.kind === 'file') return fileSource(keys.path, cache)
  if (keys.kind === 'jwks') return remoteSource(keys.uri, cache, watch, (fetchDocument) => fetchDocument(keys.uri))
  const uri = keys.uri ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  return remoteSource(uri, cache, watch, async (fetchDocument) =>
    fetchDocument(keySetUriOf(await fetchDocument(uri), uri, issuer)),
  )
}

/** The keys that another reader of tokens takes, from whichever issuer its discovery document is: to be compared with, never to verify by. */
export function openForeignKeySource(
  keys: Required<Exclude<KeysOptions, { kind: 'secret' | 'file' }>>,
  cache: KeyCacheOptions,
): KeySetSource {
  const { kind, uri } = keys
  return remoteSource(uri, cache, {}, async (fetchDocument) => {
    const document = await fetchDocument(uri)
    return kind === 'jwks' ? document : fetchDocument(keySetUriOf(document, uri, String(document['issuer'])))
  })
}

type FetchDocument = (uri: string) => Promise<JsonObject>

function remoteSource(
  name: string,
  cache: KeyCacheOptions,
  watch: FetchWatch,
  fetchKeySet: (fetchDocument: FetchDocument) => Promise<JsonObject>,
): KeySetSource {
  const dispatcher = new Agent({
    connect: { timeout: cache.fetchTimeoutMs, ...(cache.ca === undefined ? {} : { ca: cache.ca }) },
  })
  return {
    name,
    mustWorkAtStart: false,
    load: async () => {
      // One limit on everything, a body that trickles in byte by byte included.
      const signal = AbortSignal.timeout(cache.fetchTimeoutMs)
      const document = await fetchKeySet((uri) =>
        fetchJson(uri, { dispatcher, signal, maxBytes: cache.maxBytes, watch }),
      )
      return readKeys(document, cache.maxKeys)
    },
    close: () => void dispatcher.destroy(),
  }
}

/** OpenID Connect Discovery 1.0 section 4.3: the document must be this very issuer's, else one issuer could lend its keys to another. */
export function keySetUriOf(document: JsonObject, uri: string, issuer: string): string {
  const { issuer: named, jwks_uri: keySetUri } = document
  // check: discovery-issuer
  if (named !== issuer) throw new Error(`the discovery document at ${uri} is not that of issuer ${issuer}`)
  if (typeof keySetUri !== 'string') throw new Error(`the discovery document at ${uri} has no jwks_uri`)
  // check: discovery-loopback
  if (leavesForLoopback(uri, keySetUri)) throw new Error(`the discovery document at ${uri} points to this machine`)
  return keySetUri
}

function leavesForLoopback(from: string, to: string): boolean {
  const [source, target] = [URL.parse(from), URL.parse(to)]
  return target !== null && isLoopback(target) && !(source !== null && isLoopback(source))
}

interface FetchLimits {
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
  readonly maxBytes: number
  readonly watch: FetchWatch
}

async function fetchJson(uri: string, { dispatcher, signal, maxBytes, watch }: FetchLimits): Promise<JsonObject> {
  const problem = keyUriProblem(uri)
  // check: set-uri
  if (problem !== undefined) throw new Error(`the address ${uri} ${problem}`)
  const headers = { accept: 'application/json, application/jwk-set+json', 'accept-encoding': 'identity' }
  watch.onAsk?.()
  const response = await request(uri, { dispatcher, signal, headers, reset: true })
  const { date } = response.headers
  if (typeof date === 'string') watch.onDate?.(date)
  try {
    // A redirect is not followed either: whoever may answer for this address may not choose another.
    // check: set-status
    if (response.statusCode !== 200) throw new Error(`${uri} answered ${response.statusCode}`)
    return parseDocument(await readAtMost(response.body, maxBytes))
  } finally {
    response.body.on('error', () => undefined).destroy()
  }
}

async function readAtMost(chunks: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const read: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    // check: set-size
    if (bytes > maxBytes) throw new Error(`the document is longer than ${maxBytes} bytes`)
    read.push(chunk)
  }
  return Buffer.concat(read)
}

function fileSource(path: string, cache: KeyCacheOptions): KeySetSource {
  return {
    name: path,
    mustWorkAtStart: true,
    load: async () => {
      const file = await open(path)
      try {
        return readKeys(
          parseDocument(await readAtMost(file.createReadStream({ autoClose: false }), cache.maxBytes)),
          cache.maxKeys,
        )
      } finally {
        await file.close()
      }
    },
    close: () => undefined,
  }
}
