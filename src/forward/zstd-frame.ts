/** What a walk over a part of a frame came to. */
export interface Walked {
  /** How many of the bytes belong to the frame, up to where the walk stopped. */
  readonly bytes: number
  /** The frame has come to its end there. */
  readonly isEnd: boolean
}

/** Walks over one frame that comes in parts, cut anywhere. */
export interface FrameWalk {
  /**
   * Walks on over as many blocks as may be decompressed at once, or to the end of the bytes.
   * @returns or why the frame is not read
   */
  walk(bytes: Uint8Array): Walked | { readonly why: string }
}

/** The largest window that decoders should have memory for (RFC 8878 section 3.1.1.1.2): 8 MiB. */
const MAX_WINDOW_BYTES = 8_388_608

/** A block comes to 128 KiB at most (RFC 8878 section 3.1.1.2.4), however short it is: what is decompressed at once, to 8 MiB. */
const MAX_BLOCKS_AT_ONCE = 64

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]
const BLOCK_HEADER_BYTES = 3
const CHECKSUM_BYTES = 4
const [RLE_BLOCK, RESERVED_BLOCK] = [1, 3]

/**
 * The framing of zstd (RFC 8878 section 3.1.1). Only a plain frame is walked over: no skippable one, no dictionary, no window that needs more memory than
 * every decoder has. Where a frame ends is seen here, and not left to a decoder, since some read on there and some do not.
 */
export function walkFrame(): FrameWalk {
  let header: number[] = []
  let phase: 'frame' | 'block' | 'content' | 'checksum' | 'end' = 'frame'
  let hasChecksum = false
  let isLast = false
  /** Of what is passed over. */
  let left = 0

  const beginBlock = (): string | undefined => {
    const [first = 0, second = 0, third = 0] = header
    const word = first | (second << 8) | (third << 16)
    const type = (word >> 1) & 3
    if (type === RESERVED_BLOCK) return 'holds a block of a reserved kind'
    isLast = (word & 1) === 1
    // Of a repeated byte there is one, however often it counts.
    left = type === RLE_BLOCK ? 1 : word >> 3
    phase = 'content'
    header = []
    return undefined
  }
  const beginFrame = (): string | undefined => {
    const [, , , , descriptor = 0] = header
    hasChecksum = (descriptor & 0x04) !== 0
    phase = 'block'
    const why = whyNotPlain(header)
    header = []
    return why
  }
  const endBlock = (): void => {
    phase = isLast ? (hasChecksum ? 'checksum' : 'end') : 'block'
    if (phase === 'checksum') left = CHECKSUM_BYTES
  }

  return {
    walk(bytes) {
      let at = 0
      let blocks = 0
      while (at < bytes.length && phase !== 'end' && blocks < MAX_BLOCKS_AT_ONCE) {
        if (phase === 'frame' || phase === 'block') {
          header.push(bytes[at++] ?? 0)
          const wanted = phase === 'block' ? BLOCK_HEADER_BYTES : frameHeaderBytes(header)
          if (wanted === undefined) return { why: 'is not in the zstd format' }
          if (header.length < wanted) continue
          const why = phase === 'block' ? beginBlock() : beginFrame()
          if (why !== undefined) return { why }
        } else {
          const passed = Math.min(left, bytes.length - at)
          at += passed
          left -= passed
        }
        if (phase === 'content' && left === 0) {
          endBlock()
          blocks++
        } else if (phase === 'checksum' && left === 0) phase = 'end'
      }
      return { bytes: at, isEnd: phase === 'end' }
    },
  }
}

const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]

/** How long the header of a frame is, as far as its first bytes tell; `undefined` where they are none. */
function frameHeaderBytes(header: readonly number[]): number | undefined {
  if (header.some((byte, at) => at < MAGIC.length && byte !== MAGIC[at])) return undefined
  const descriptor = header[MAGIC.length]
  if (descriptor === undefined) return MAGIC.length + 1
  const windowBytes = isSingleSegment(descriptor) ? 0 : 1
  return MAGIC.length + 1 + windowBytes + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + contentSizeBytes(descriptor)
}

function isSingleSegment(descriptor: number): boolean {
  return (descriptor & 0x20) !== 0
}

function contentSizeBytes(descriptor: number): number {
  const flag = descriptor >> 6
  return flag === 0 && isSingleSegment(descriptor) ? 1 : (CONTENT_SIZE_BYTES[flag] ?? 0)
}

function whyNotPlain(header: readonly number[]): string | undefined {
  const [descriptor = 0, ...rest] = header.slice(MAGIC.length)
  if ((descriptor & 0x18) !== 0) return 'has a zstd frame with reserved bits'
  if ((descriptor & 3) !== 0) return 'needs a zstd dictionary'
  return windowBytes(descriptor, rest) > MAX_WINDOW_BYTES ? 'needs a zstd window of more than 8 MiB' : undefined
}

/** RFC 8878 sections 3.1.1.1.2 and 3.1.1.1.4: a frame of one segment needs a window as large as its content. */
function windowBytes(descriptor: number, rest: readonly number[]): number {
  if (isSingleSegment(descriptor)) {
    const size = rest.reduceRight((sum, byte) => sum * 256 + byte, 0)
    return rest.length === 2 ? size + 256 : size
  }
  const [window = 0] = rest
  const base = 2 ** (10 + (window >> 3))
  return base + (base / 8) * (window & 7)
}
