import { createInflateRaw } from 'node:zlib'
import type { InflateRaw } from 'node:zlib'

import { endOfGzipHeader, endOfZlibHeader } from './gzip-header.ts'
import type { HeaderEnd } from './gzip-header.ts'
import { inflatesTooFar, notInflatable } from './inflater.ts'
import type { Inflater, OnBytes } from './inflater.ts'
import { createZstdInflater } from './unzstd-body.ts'

interface Format {
  readonly endOfHeader: (bytes: Uint8Array) => HeaderEnd
  readonly trailerBytes: number
  /** Whether one member may follow another. */
  readonly isRepeated: boolean
}

const GZIP: Format = { endOfHeader: endOfGzipHeader, trailerBytes: 8, isRepeated: true }
const ZLIB: Format = { endOfHeader: endOfZlibHeader, trailerBytes: 4, isRepeated: false }
type OpenInflater = (maxBytes: number) => Inflater
// What Netty's HttpContentDecompressor inflates for the server, without the kinds that no client sends (x-deflate, snappy). `br` it reads as it stands.
const INFLATERS = new Map<string, OpenInflater>([
  ['gzip', (maxBytes) => createInflater(GZIP, maxBytes)],
  ['x-gzip', (maxBytes) => createInflater(GZIP, maxBytes)],
  ['deflate', (maxBytes) => createInflater(ZLIB, maxBytes)],
  ['zstd', createZstdInflater],
])

/** How to inflate what is compressed so; `undefined` where nobody here can. Its parameter: what the body may come to, in bytes. */
export function inflaterFor(contentEncoding: string): OpenInflater | undefined {
  return INFLATERS.get(contentEncoding.toLowerCase())
}

// Deflate makes at most 1,032 bytes of one: a piece of this size never more than 8 MiB, which is what an inflater holds at most.
const PIECE_BYTES = 8_192

/**
 * Inflates a body as the server does, member by member; what the two could read differently is refused.
 * @param maxBytes what the body may come to; a bomb ends there
 */
function createInflater(format: Format, maxBytes: number): Inflater {
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
    if (members > 0 && !format.isRepeated) throw notInflatable('goes on after its compressed part')
    const end = format.endOfHeader(gather(bytes))
    if (typeof end === 'object') throw notInflatable(end.why)
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
    if (engine === undefined) throw notInflatable('is not compressed as it says')
    const { pieces, rest } = await engine.inflate(bytes)
    for (const piece of pieces) {
      inflated += piece.length
      if (inflated > maxBytes) throw inflatesTooFar(maxBytes)
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
      if (state !== 'header' || gathered.length > 0) throw notInflatable('breaks off in its compressed part')
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
        const onError = (): void => reject(notInflatable('is not compressed as it says'))
        stream.once('end', onEnd).once('error', onError)
        stream.write(bytes, (error) => {
          if (error === undefined || error === null) settle(undefined)
        })
      })
    },
    close: () => stream.destroy(),
  }
}
