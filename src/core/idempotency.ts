import { GatewayError } from './failure.ts'

/** What came of an attempt to be the one call that is carried out under a key. */
export type Claim =
  /** Nobody else has it: carry the call out, then say what its answer was, or that it has none worth keeping. Neither rejects. */
  | {
      readonly kind: 'first'
      /** What a call before this one left open. */
      readonly open: string | undefined
      keep(answer: string): Promise<void>
      /** @param open what the next call with the key is to know of this one */
      release(open: string | undefined): Promise<void>
    }
  | { readonly kind: 'answered'; readonly answer: string }
  | { readonly kind: 'running' }
  /** The key was used for something else. */
  | { readonly kind: 'otherRequest' }

/** Answers that are kept for callers who ask the same again. */
export interface KeptAnswers {
  /**
   * @param name who asks, where, and under which key; as a hash
   * @param fingerprint what is asked for; as a hash
   * @throws GatewayError keptAnswersUnavailable where nobody can tell
   */
  claim(name: string, fingerprint: string): Promise<Claim>
  /**
   * What is held under a name; nothing is claimed.
   * @throws GatewayError keptAnswersUnavailable
   */
  peek(name: string): Promise<Held | undefined>
}

const MAX_LENGTH = 255
const PRINTABLE_ASCII = /^[ -~]+$/

/**
 * Reads `Idempotency-Key`: a structured-field string (draft-ietf-httpapi-idempotency-key-header, RFC 9651 section 3.3.3), or the same text bare, as
 * most clients send it. `undefined` where there is none.
 * @throws GatewayError invalidIdempotencyKey
 */
export function parseIdempotencyKey(fields: readonly string[]): string | undefined {
  const [field, ...others] = fields
  if (field === undefined) return undefined
  if (others.length > 0) throw invalid('Send exactly one Idempotency-Key header')
  const key = field.startsWith('"') ? unquote(field) : field
  if (key === undefined || !PRINTABLE_ASCII.test(key)) {
    throw invalid('The Idempotency-Key must be printable ASCII, or a string in double quotes')
  }
  if (key.length > MAX_LENGTH)
    throw invalid(`The Idempotency-Key must not be longer than ${String(MAX_LENGTH)} characters`)
  return key
}

/** RFC 9651 section 4.2.5: only the quote and the backslash are escaped. */
function unquote(field: string): string | undefined {
  if (!/^"(?:[ !#-[\]-~]|\\["\\])*"$/.test(field)) return undefined
  return field.slice(1, -1).replaceAll(/\\(["\\])/g, '$1')
}

function invalid(reason: string): GatewayError {
  return new GatewayError('invalidIdempotencyKey', { reason })
}

/** What is held under a name, as text. */
export interface Held {
  readonly fingerprint: string
  /** Neither is there while the call is under way. */
  readonly answer?: string
  readonly open?: string
}

/** What a call finds that is not the first; `open` where it may be carried out again. */
export function judgeHeld(
  held: Held,
  fingerprint: string,
): Exclude<Claim, { kind: 'first' }> | { readonly kind: 'open'; readonly open: string } {
  if (held.fingerprint !== fingerprint) return { kind: 'otherRequest' }
  if (held.answer !== undefined) return { kind: 'answered', answer: held.answer }
  return held.open === undefined ? { kind: 'running' } : { kind: 'open', open: held.open }
}
