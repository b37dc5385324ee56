/** How far into `bytes` a member's header reaches; `undefined` while more is needed; or why it is not read. */
export type HeaderEnd = number | { readonly why: string } | undefined

const FIXED_BYTES = 10
const HAS_FILE_NAME = 0x08
const LONGEST_FILE_NAME = 1_024

/**
 * Reads the header of a gzip member (RFC 1952 section 2.3). Only a file name may follow the fixed part, as the program gzip writes it: the decoder
 * of the server (JdkZlibDecoder of Netty 4.2.7) does not skip the extra field, but takes its bytes for compressed ones, so a body could say one thing
 * to the server and another to every other reader.
 */
export function endOfGzipHeader(bytes: Uint8Array): HeaderEnd {
  if (bytes.length < FIXED_BYTES) return undefined
  const [magic0, magic1, method, flags = 0] = bytes
  if (magic0 !== 0x1f || magic1 !== 0x8b || method !== 0x08) return { why: 'is not in the gzip format' }
  if ((flags & ~HAS_FILE_NAME) !== 0) return { why: 'has a gzip header with more in it than a file name' }
  if ((flags & HAS_FILE_NAME) === 0) return FIXED_BYTES
  const end = bytes.indexOf(0, FIXED_BYTES)
  const isTooLong = (end === -1 ? bytes.length : end) > FIXED_BYTES + LONGEST_FILE_NAME
  if (isTooLong) return { why: 'has a gzip header with too long a file name' }
  return end === -1 ? undefined : end + 1
}

/** Reads the header of a zlib stream (RFC 1950 section 2.2): what is not surely one, the server may take for a bare deflate stream. */
export function endOfZlibHeader(bytes: Uint8Array): HeaderEnd {
  const [method, flags] = bytes
  if (method === undefined || flags === undefined) return undefined
  const isPlain = method === 0x78 && ((method << 8) | flags) % 31 === 0 && (flags & 0x20) === 0
  return isPlain ? 2 : { why: 'is not in the zlib format' }
}
