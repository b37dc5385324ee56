/** Frames of HTTP/2 (RFC 9113 section 4.1) for clients that no library would be. */
const TYPES = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, continuation: 9 } as const

export const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame('settings', 0, 0)])

const END_STREAM = 1
const END_HEADERS = 4

export function frame(type: keyof typeof TYPES, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(TYPES[type], 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** `GET /` without more, from the static table of HPACK (RFC 7541 appendix A). */
export function getRoot(stream: number): Buffer {
  const authority = Buffer.from('gateway.test')
  const block = Buffer.concat([Buffer.from([0x82, 0x84, 0x87, 0x01, authority.length]), authority])
  return frame('headers', END_STREAM | END_HEADERS, stream, block)
}

export function resetOf(stream: number): Buffer {
  return frame('reset', 0, stream, Buffer.from([0, 0, 0, 8]))
}
