import { constants, createZstdDecompress } from 'node:zlib'

import { inflatesTooFar, notInflatable } from './inflater.ts'
import type { Inflater } from './inflater.ts'
import { walkFrame } from './zstd-frame.ts'

/** As `MAX_WINDOW_BYTES` of the walk, which comes first: 2 to the power of. */
const WINDOW_LOG = 23

/**
 * Decompresses a body of one zstd frame, as the server does (Netty's ZstdDecoder over the same library). What follows the frame is refused: the server
 * reads on there, and other decoders do not.
 * @param maxBytes what the body may come to; a bomb ends there
 */
export function createZstdInflater(maxBytes: number): Inflater {
  const frame = walkFrame()
  const stream = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } })
  let pieces: Uint8Array[] = []
  let inflated = 0
  let isEnd = false
  stream.on('data', (piece: Uint8Array) => pieces.push(piece))
  // Listened to below while something is decompressed; nobody is to die of an error in between.
  stream.on('error', () => undefined)

  const decompress = (bytes: Uint8Array): Promise<readonly Uint8Array[]> =>
    new Promise((resolve, reject) => {
      // An error is not always told to the callback.
      const onError = (): void => reject(notInflatable('is not compressed as it says'))
      stream.once('error', onError)
      stream.write(bytes, (error) => {
        stream.off('error', onError)
        const made = pieces
        pieces = []
        if (error === undefined || error === null) resolve(made)
        else onError()
      })
    })

  return {
    async push(chunk, onBytes) {
      for (let from = 0; from < chunk.length;) {
        if (isEnd) throw notInflatable('goes on after its compressed part')
        const walked = frame.walk(chunk.subarray(from))
        if ('why' in walked) throw notInflatable(walked.why)
        isEnd = walked.isEnd
        for (const piece of await decompress(chunk.subarray(from, from + walked.bytes))) {
          inflated += piece.length
          if (inflated > maxBytes) throw inflatesTooFar(maxBytes)
          await onBytes(piece)
        }
        from += walked.bytes
      }
    },
    end() {
      if (!isEnd) throw notInflatable('breaks off in its compressed part')
    },
    close: () => stream.destroy(),
  }
}
