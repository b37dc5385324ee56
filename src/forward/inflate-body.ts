import { createInflateRaw } from 'node:zlib'
import type { InflateRaw } from 'node:zlib'

import { GatewayError } from '../core/failure.ts'
import { endOfGzipHeader, endOfZlibHeader } from './gzip-header.ts'
import type { HeaderEnd } from './gzip-header.ts'

/** Takes a body's bytes as they came, and gives what they mean. */
export interface Inflater {
  /** Gives every piece to `onBytes` before it resolves. @throws GatewayError invalidBody, bodyTooLarge */
  push(chunk: Uint8Array, onBytes: OnBytes): Promise<void>
  /** @throws GatewayError invalidBody: the body breaks off */
  end(): void
  close(): void
}

type OnBytes = (bytes: Uint8Array) => Promise<void>

interface Format {
  readonly endOfHeader: (bytes: Uint8Array) => HeaderEnd
  readonly trailerBytes: number
  /** Whether one member may follow another. */
  readonly isRepeated: boolean
}

const GZIP: Format = { endOfHeader: endOfGzipHeader, trailerBytes: 8, isRepeated: true }
const ZLIB: Format = { endOfHeader: endOfZlibHeader, trailerBytes: 4, isRepeated: false }
// What Netty's HttpContentDecompressor inflates for the server, without the kinds that no client sends.
const FORMATS = new Map([
  ['gzip', GZIP],
  ['x-gzip', GZIP],
  ['deflate', ZLIB],
])

export function formatOf(contentEncoding: string): Format | undefined {
  return FORMATS.get(contentEncoding.toLowerCase())
}

// Deflate makes at most 1,032 bytes of one: a piece of this size never more than 8 MiB, which is what an inflater holds at most.
const PIECE_BYTES = 8_192

/**
 * Inflates a body as the server does, member by member; what the two could read differently is refused.
 * @param maxBytes what the body may come to; a bomb ends there
 */
export function createInflater(format: Format, maxBytes: number): Inflater {
  let state: 'header' | 'data' | 'trailer' = 'header'
  let gathered: Uint8Array = new Uint8Array(0)
  let members = 0
  let inflated = 0
  let engine: Engine | undefined

  const gather = (bytes: Uint8Array): Uint8Array => {
    gathered = gathered.length === 0 ? bytes : Buffer.concat([gathered, bytes])
    return gathered
  }
  const letGo = (from: number): Uint8Array => {
    const rest = gathered.subarray(from)
    gathered = new Uint8Array(0)
    return rest
  }
  const readHeader = (bytes: Uint8Array): Uint8Array | undefined => {
    if (members > 0 && !format.isRepeated) throw invalid('goes on after its compressed part')
    const end = format.endOfHeader(gather(bytes))
    if (typeof end === 'object') throw invalid(end.why)
    if (end === undefined) return undefined
    state = 'data'
    engine = openEngine()
    return letGo(end)
  }
  const readTrailer = (bytes: Uint8Array): Uint8Array | undefined => {
    // The server checks the sums, and refuses the body where they are wrong.
    if (gather(bytes).length < format.trailerBytes) return undefined
    state = 'header'
    members++
    return letGo(format.trailerBytes)
  }
  const readData = async (bytes: Uint8Array, onBytes: OnBytes): Promise<Uint8Array | undefined> => {
    if (engine === undefined) throw invalid('is not compressed as it says')
    const { pieces, rest } = await engine.inflate(bytes)
    for (const piece of pieces) {
      inflated += piece.length
      if (inflated > maxBytes) throw new GatewayError('bodyTooLarge', { reason: tooLarge(maxBytes) })
      await onBytes(piece)
    }
    if (rest !== undefined) {
      engine = undefined
      state = 'trailer'
    }
    return rest
  }
  return {
    async push(chunk, onBytes) {
      for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
        let rest: Uint8Array | undefined = chunk.subarray(from, from + PIECE_BYTES)
        while (rest !== undefined && rest.length > 0) {
          if (state === 'header') rest = readHeader(rest)
          else if (state === 'trailer') rest = readTrailer(rest)
          else rest = await readData(rest, onBytes)
        }
      }
    },
    end() {
      if (state !== 'header' || gathered.length > 0) throw invalid('breaks off in its compressed part')
    },
    close() {
      engine?.close()
    },
  }
}

interface Engine {
  /** `rest` is what follows the end of the deflate stream, once that has come. */
  inflate(bytes: Uint8Array): Promise<{ pieces: readonly Uint8Array[]; rest: Uint8Array | undefined }>
  close(): void
}

function openEngine(): Engine {
  const stream: InflateRaw = createInflateRaw()
  let pieces: Uint8Array[] = []
  stream.on('data', (piece: Uint8Array) => pieces.push(piece))
  // Listened to below while something is inflated; nobody is to die of an error in between.
  stream.on('error', () => undefined)
  return {
    inflate(bytes) {
      const before = stream.bytesWritten
      return new Promise((resolve, reject) => {
        const settle = (rest: Uint8Array | undefined): void => {
          stream.off('end', onEnd).off('error', onError)
          const made = pieces
          pieces = []
          resolve({ pieces: made, rest })
        }
        const onEnd = (): void => settle(bytes.subarray(stream.bytesWritten - before))
        const onError = (): void => reject(invalid('is not compressed as it says'))
        stream.once('end', onEnd).once('error', onError)
        stream.write(bytes, (error) => {
          if (error === undefined || error === null) settle(undefined)
        })
      })
    },
    close: () => stream.destroy(),
  }
}

function invalid(why: string): GatewayError {
  return new GatewayError('invalidBody', { reason: `The request body ${why}` })
}

function tooLarge(maxBytes: number): string {
  return `The request body is larger than ${String(maxBytes)} bytes once it is decompressed`
}
