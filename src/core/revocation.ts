import { hasDuplicateMember, isJsonObject, member } from './strict-json.ts'

/** One entry of a deny list: a token, or all tokens of a subject or of an issuer that were issued before a time. Times are seconds since 1970. */
export interface Revocation {
  readonly jti?: string
  /** As it is in records of the gateway, with the prefix of its issuer. */
  readonly subject?: string
  /** Alone: everybody's of that issuer. Beside another: of that issuer alone. */
  readonly issuer?: string
  readonly issuedBefore?: number
  /** When the entry is no longer needed: what it refuses has expired by then. */
  readonly until?: number
}

/** What is asked of a token; by whom it was issued, for whom, and when. */
export interface RevocableToken {
  readonly issuer: string
  readonly subject: string
  readonly tokenId?: string
  readonly issuedAt?: number
}

export interface RevocationList {
  readonly size: number
  isRevoked(token: RevocableToken): boolean
}

const MEMBERS = ['jti', 'subject', 'issuer', 'issuedBefore', 'until']

/** Reads one entry; says what is wrong with it where it is none. */
export function readRevocation(value: unknown): Revocation | string {
  if (!isJsonObject(value)) return 'must be a JSON object'
  const unknown = Object.keys(value).find((name) => !MEMBERS.includes(name))
  if (unknown !== undefined) return `has a member that is none of ${MEMBERS.join(', ')}`
  const texts = ['jti', 'subject', 'issuer'].map((name) => member(value, name))
  if (!texts.every((text) => text === undefined || (typeof text === 'string' && text !== ''))) {
    return 'has a jti, subject or issuer that is no text'
  }
  const times = ['issuedBefore', 'until'].map((name) => member(value, name))
  if (!times.every((time) => time === undefined || (typeof time === 'number' && Number.isFinite(time)))) {
    return 'has a time that is not in seconds since 1970'
  }
  const [jti, subject, issuer] = texts
  if (jti === undefined && subject === undefined && issuer === undefined) return 'needs a jti, a subject or an issuer'
  if (jti !== undefined && (subject !== undefined || times[0] !== undefined))
    return 'needs no subject and no time beside a jti'
  return value
}

/**
 * Reads a deny list, one JSON object a line.
 * @throws Error that says which line is none
 */
export function readRevocations(text: string): readonly Revocation[] {
  return text.split('\n').flatMap((line, position) => {
    if (line.trim() === '') return []
    const entry = hasDuplicateMember(line) ? 'names a member twice' : readRevocation(parse(line))
    if (typeof entry === 'string') throw new Error(`line ${String(position + 1)} ${entry}`)
    return [entry]
  })
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Makes a list that is asked in a time that does not grow with it. Entries whose time is over are left out. @param now seconds since 1970 */
export function compileRevocations(entries: readonly Revocation[], now: number): RevocationList {
  const current = entries.filter(({ until }) => until === undefined || until > now)
  // What is refused, and up to when it was issued; the empty issuer is any.
  const limits = new Map<string, number>()
  for (const { jti, subject, issuer = '', issuedBefore = Infinity } of current) {
    const name = nameOf(jti, jti === undefined ? subject : undefined, issuer)
    limits.set(name, Math.max(limits.get(name) ?? -Infinity, issuedBefore))
  }
  return {
    size: current.length,
    isRevoked({ issuer, subject, tokenId, issuedAt = -Infinity }) {
      if (limits.size === 0) return false
      const isBefore = (limit: number | undefined): boolean => limit !== undefined && issuedAt < limit
      return [issuer, ''].some(
        (of) =>
          (tokenId !== undefined && limits.has(nameOf(tokenId, undefined, of))) ||
          isBefore(limits.get(nameOf(undefined, subject, of))) ||
          (of !== '' && isBefore(limits.get(nameOf(undefined, undefined, of)))),
      )
    },
  }
}

/** When the next entry of a list is over; `Infinity` where none will be. @param now seconds since 1970 */
export function nextEnd(entries: readonly Revocation[], now: number): number {
  return entries.reduce((next, { until = Infinity }) => (until > now && until < next ? until : next), Infinity)
}

/** The text of a deny list without the entries that were over before a time; every other line stays as it is. @param before seconds since 1970 */
export function withoutOver(text: string, before: number): string {
  const lines = text.split('\n').filter((line) => {
    const entry = line.trim() === '' ? undefined : readRevocation(parse(line))
    return typeof entry !== 'object' || entry.until === undefined || entry.until >= before
  })
  return lines.join('\n')
}

function nameOf(jti: string | undefined, subject: string | undefined, issuer: string): string {
  return JSON.stringify([jti ?? null, subject ?? null, issuer])
}
