/** RFC 7515 section 4.1.9: `application/` may be left out where no other slash is. */
export function normalizeType(type: string): string {
  const lower = type.toLowerCase()
  const short = lower.replace(/^application\//, '')
  return short.includes('/') ? lower : short
}
