import type { RemovalAction } from '../guard/removal.ts'
import type { Long } from '../look.ts'
import { isJsonObject, parseNumbersAsTexts } from '../strict-json.ts'
import type { AuditEvent } from './event.ts'

type Told = Partial<
  Pick<AuditEvent, 'outcome' | 'seqNo' | 'primaryTerm' | 'version' | 'total' | 'deleted' | 'conflicts' | 'failures'>
> & { readonly isWhole: boolean }

const utf8 = new TextDecoder()

/** What the cluster's answer to a delete that was passed through says of it, where that can be read: a `filter_path` leaves out what it likes. */
export function readRemovalAnswer(action: RemovalAction, bytes: Uint8Array): Told {
  const answer = parseObject(bytes)
  const long = (name: string): Long | undefined => longOf(answer[name])
  const count = (name: string): number | undefined => (answer[name] === undefined ? undefined : Number(answer[name]))
  if (action === 'delete-index') return { isWhole: true }
  if (action === 'delete-document' || action === 'update-document') {
    const { result, error } = answer
    const told = { seqNo: long('_seq_no'), primaryTerm: long('_primary_term'), version: long('_version') }
    if (action === 'delete-document') return { ...told, isWhole: true }
    // What a script did, only the answer says.
    return typeof result === 'string' ? { ...told, outcome: result, isWhole: true } : { isWhole: error !== undefined }
  }
  // One that goes on behind its answer.
  if (answer['task'] !== undefined) return { outcome: 'started', isWhole: false }
  const failures = Array.isArray(answer['failures']) ? answer['failures'].length : undefined
  return {
    total: count('total'),
    deleted: count('deleted'),
    conflicts: count('version_conflicts'),
    failures,
    isWhole: (failures ?? 0) === 0 && answer['timed_out'] !== true,
  }
}

/** An object of a JSON text whose numbers are texts; an empty one where it is none. */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = parseNumbersAsTexts(utf8.decode(bytes))
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** A number beyond a double too. */
export function longOf(written: unknown): Long | undefined {
  if (typeof written !== 'string' || !/^-?\d{1,19}$/.test(written)) return undefined
  const number = Number(written)
  return Number.isSafeInteger(number) ? number : BigInt(written)
}
