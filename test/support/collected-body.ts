import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'

import { collect, collectFind } from './collected.ts'
import { describeFind, findsIn, forbiddenHere } from './planted.ts'

/** What is kept of one body, to be looked through at the end of the run; what comes after it is looked through as it comes. */
export const KEPT = 65_536
/** A compressed body is looked at when it is whole. One that is larger is a find. */
const LARGEST_COMPRESSED = 8 * 2 ** 20
const LARGEST_INFLATED = 64 * 2 ** 20

/** Of what was written before, beside what is: no secret of a test is longer. */
const CARRIED = 1_024

/** What is known of an answer once anything of its body was said. */
export interface BodyOf {
  readonly from: string
  readonly mayHoldMemories: boolean
  /** As in `content-encoding`. */
  readonly encoding: string
}

export interface CollectedBody {
  take(bytes: Buffer): void
  end(): void
}

export function collectBody(of: BodyOf): CollectedBody {
  return /^(?:identity)?$/i.test(of.encoding) ? collectPlain(of) : collectCompressed(of)
}

function collectPlain({ from, mayHoldMemories }: BodyOf): CollectedBody {
  const may = mayHoldMemories ? 'may hold memories' : undefined
  let kept = ''
  let beyond: CollectedBody | undefined
  return {
    take(bytes) {
      const room = KEPT - kept.length
      kept += bytes.toString('latin1', 0, room)
      if (bytes.length <= room) return
      beyond ??= scanStream(from, mayHoldMemories, kept)
      beyond.take(bytes.subarray(room))
    },
    end() {
      collect(from, kept.replaceAll(/[\r\n]+/g, ' '), may)
      beyond?.end()
    },
  }
}

/**
 * What may go on for as long as its gateway, which may be killed: each piece is kept at once, behind as much of what came before as a secret may be cut in two by.
 */
export function collectAsWritten(from: string, forWhom: 'for everybody' | 'may hold memories'): CollectedBody {
  const mayHoldMemories = forWhom === 'may hold memories'
  let carried = ''
  let length = 0
  let beyond: CollectedBody | undefined
  return {
    take(bytes) {
      length += bytes.length
      if (length > KEPT) {
        beyond ??= scanStream(from, mayHoldMemories, carried)
        beyond.take(bytes)
        return
      }
      const text = carried + bytes.toString('latin1').replaceAll(/[\r\n]/g, ' ')
      collect(from, text, mayHoldMemories ? 'may hold memories' : undefined)
      carried = text.slice(-CARRIED)
    },
    end: () => beyond?.end(),
  }
}

/** Looks through what comes in pieces, and keeps as much of them as may be the beginning of a find. */
function scanStream(from: string, mayHoldMemories: boolean, before: string): CollectedBody {
  const { longest, ...forbidden } = forbiddenHere()
  const pattern = mayHoldMemories ? forbidden.toNobody : forbidden.toReadersOnly
  let carried = before.slice(-longest)
  const look = (text: string, upTo: number): void => {
    for (const find of findsIn(text, pattern)) {
      if (find.at < upTo) collectFind(describeFind(find, from, text))
    }
  }
  return {
    take(bytes) {
      const text = carried + bytes.toString('latin1')
      look(text, text.length - longest)
      carried = text.slice(-longest)
    },
    end: () => look(carried, carried.length),
  }
}

function collectCompressed(of: BodyOf): CollectedBody {
  const chunks: Buffer[] = []
  let length = 0
  return {
    take(bytes) {
      length += bytes.length
      if (length <= LARGEST_COMPRESSED) chunks.push(Buffer.from(bytes))
    },
    end() {
      if (length > LARGEST_COMPRESSED) {
        collectFind(`[${of.from}] ${String(length)} bytes in ${of.encoding}, which are too many to be looked at`)
        return
      }
      const plain = collectPlain(of)
      plain.take(inflate(Buffer.concat(chunks), of))
      plain.end()
    },
  }
}

const brotli = { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: LARGEST_INFLATED }
const zstd = { finishFlush: constants.ZSTD_e_flush, maxOutputLength: LARGEST_INFLATED }
/** Of a body that was broken off, what is there is read. */
const zlib = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LARGEST_INFLATED }

const INFLATE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes, zlib),
  'x-gzip': (bytes) => gunzipSync(bytes, zlib),
  deflate: (bytes) => ((bytes[0] ?? 0) % 16 === 8 ? inflateSync(bytes, zlib) : inflateRawSync(bytes, zlib)),
  br: (bytes) => brotliDecompressSync(bytes, brotli),
  zstd: (bytes) => zstdDecompressSync(bytes, zstd),
}

/** As far as it is what `content-encoding` says: the answers of some tests are not, and nobody could read those. */
function inflate(bytes: Buffer, { from, encoding }: BodyOf): Buffer {
  let text = bytes
  for (const name of encoding.toLowerCase().split(',').reverse()) {
    try {
      const once = INFLATE[name.trim()]
      if (once === undefined || text.length === 0) return text
      text = once(text)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
        collectFind(`[${from}] a body in ${encoding} is too large to be looked at`)
      }
      return text
    }
  }
  return text
}
