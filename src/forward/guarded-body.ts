import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

import { GatewayError } from '../core/failure.ts'
import { inflaterFor } from './inflate-body.ts'
import type { Inflater } from './inflater.ts'

/** Looks at a body as it comes, decompressed. Throws, or rejects, to end the request. */
export interface Inspection {
  take(bytes: Uint8Array): void | Promise<void>
  end(): void | Promise<void>
  /** The body cannot be read: throws to end the request, or returns where it may go on unread. */
  unreadable(why: GatewayError): void
  /** Comes before the last part is given out, also of what goes on unread. */
  last?(): void | Promise<void>
}

export interface GuardedBodyLimits {
  /** How much is looked at before the node is asked at all, in bytes; a body no longer than this is decided as a whole. */
  readonly heldBytes: number
  /** What a compressed body may come to, in bytes. */
  readonly inflatedBytes: number
}

type Headers = Pick<IncomingMessage, 'headersDistinct'>

/**
 * A body, its bytes untouched, behind an inspection: none of it is given out before it was looked at, and the last part not before all of it
 * was. What is refused late therefore never comes to its end at the node: the stream is destroyed with the refusal instead, which breaks the
 * request to the node off. Holds two chunks, and at most `heldBytes` before the first is given out.
 * @param upload the request's body; destroyed when it is left
 * @throws GatewayError what the inspection throws, as long as nothing was given out; invalidBody where the body breaks off
 */
export async function openGuardedBody(
  upload: Readable,
  request: Headers,
  inspection: Inspection,
  limits: GuardedBodyLimits,
): Promise<Readable> {
  const inspected = inspectedChunks(upload, request, inspection, limits)
  const first: Buffer[] = []
  let bytes = 0
  let isWhole = false
  while (!isWhole && bytes < limits.heldBytes) {
    const next = await inspected.next()
    if (next.done === true) isWhole = true
    else {
      first.push(next.value)
      bytes += next.value.length
    }
  }
  const body = Readable.from(chained(first, inspected), { objectMode: false })
  // Where the node's answer came early, nothing more of the upload is wanted, and nobody waits for its next part.
  body.once('close', () => upload.destroy())
  // Whoever reads it hears of an error; once nobody does, it is nobody's.
  return body.on('error', () => undefined)
}

async function* chained(first: Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  // Let go of one by one.
  for (let chunk = first.shift(); chunk !== undefined; chunk = first.shift()) yield chunk
  yield* rest
}

async function* inspectedChunks(
  upload: Readable,
  request: Headers,
  inspection: Inspection,
  limits: GuardedBodyLimits,
): AsyncGenerator<Buffer> {
  const look = openLook(request, inspection, limits)
  let held: Buffer | undefined
  try {
    for await (const chunk of upload as AsyncIterable<Buffer>) {
      await look.take(chunk)
      if (held !== undefined) yield held
      held = chunk
    }
    await look.end()
    await inspection.last?.()
  } catch (error) {
    if (error instanceof GatewayError) throw error
    throw new GatewayError('invalidBody', { reason: 'The request body broke off', cause: error })
  } finally {
    look.close()
  }
  if (held !== undefined) yield held
}

interface Look {
  take(chunk: Buffer): void | Promise<void>
  end(): void | Promise<void>
  close(): void
}

/** The inspection of what the bytes mean: inflated first, where the request says that they are compressed. */
function openLook(request: Headers, inspection: Inspection, { inflatedBytes }: GuardedBodyLimits): Look {
  let look: Look | undefined
  const blind: Look = { take: () => undefined, end: () => undefined, close: () => look?.close() }
  let current: Look | undefined
  const begin = (): Look => {
    const unreadable = whyUnreadable(request)
    if (unreadable !== undefined) return goBlind(unreadable)
    const openInflater = inflaterFor(encodingsOf(request)[0] ?? 'identity')
    if (openInflater === undefined) return { ...inspection, close: () => undefined }
    look = inflating(openInflater(inflatedBytes), inspection, (error) => (current = goBlind(error)))
    return look
  }
  const goBlind = (error: GatewayError): Look => {
    inspection.unreadable(error)
    return blind
  }
  return {
    // Only now: what has no body needs no headers that tell of one.
    take: (chunk) => (current ??= begin()).take(chunk),
    end: () => (current ?? inspection).end(),
    close: () => current?.close(),
  }
}

function inflating(inflater: Inflater, inspection: Inspection, giveUp: (error: GatewayError) => unknown): Look {
  let refusal: unknown
  const take = async (bytes: Uint8Array): Promise<void> => {
    try {
      await inspection.take(bytes)
    } catch (error) {
      refusal = error
      throw error
    }
  }
  const orGiveUp = (error: unknown): void => {
    if (error === refusal || !(error instanceof GatewayError)) throw error
    giveUp(error)
  }
  return {
    take: (chunk) => inflater.push(chunk, take).catch(orGiveUp),
    async end() {
      try {
        inflater.end()
      } catch (error) {
        orGiveUp(error)
        return
      }
      await inspection.end()
    },
    close: () => inflater.close(),
  }
}

/** The types under which the server reads JSON; its other ones are YAML, CBOR and Smile. */
const JSON_TYPE = /^application\/(?:json|x-ndjson)[ \t]*(?:;.*)?$/i

function whyUnreadable(request: Headers): GatewayError | undefined {
  const encodings = encodingsOf(request)
  // The server takes the first of several, and reads what it does not know as it stands.
  if (encodings.length > 1) return unreadable('Send at most one Content-Encoding header')
  const [encoding = 'identity'] = encodings
  if (encoding.toLowerCase() !== 'identity' && inflaterFor(encoding) === undefined) {
    return unreadable('The gateway inspects bodies that are compressed with gzip, deflate or zstd, or not at all')
  }
  const types = request.headersDistinct['content-type'] ?? []
  if (types.length === 1 && JSON_TYPE.test(types[0] ?? '')) return undefined
  return unreadable('The gateway inspects bodies of the types application/json and application/x-ndjson')
}

function encodingsOf({ headersDistinct }: Headers): readonly string[] {
  return headersDistinct['content-encoding'] ?? []
}

function unreadable(reason: string): GatewayError {
  return new GatewayError('unreadableBody', { reason })
}
