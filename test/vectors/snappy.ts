/** The framing of snappy with one chunk that is not compressed. */
export function snappy(text: string): Buffer {
  const data = Buffer.from(text)
  const sum = crc32c(data)
  const head = Buffer.alloc(8)
  head[0] = 1
  head.writeUIntLE(data.length + 4, 1, 3)
  head.writeUInt32LE((((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0, 4)
  return Buffer.concat([Buffer.from([0xff, 6, 0, 0]), Buffer.from('sNaPpY'), head, data])
}

function crc32c(bytes: Uint8Array): number {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0)
  }
  return ~sum >>> 0
}
