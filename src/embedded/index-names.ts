import type { StoreError } from './errors.ts'
import { invalidIndexName } from './errors.ts'

const FORBIDDEN = /[ "*\\<|,>/?]/

/** Why an index cannot be created under this name, in the server's order of checks; `undefined` where it can. */
export function nameFailure(name: string): StoreError | undefined {
  const complaint = nameComplaint(name)
  return complaint === undefined ? undefined : invalidIndexName(name, complaint)
}

function nameComplaint(name: string): string | undefined {
  if (FORBIDDEN.test(name)) return 'must not contain the following characters [ , ", *, \\, <, |, ,, >, /, ?]'
  if (name.includes('#')) return "must not contain '#'"
  if (name.includes(':')) return "must not contain ':'"
  if (/^[-_+]/.test(name)) return "must not start with '_', '-', or '+'"
  const bytes = Buffer.byteLength(name, 'utf8')
  if (bytes > 255) return `index name is too long, (${bytes} > 255)`
  if (name === '.' || name === '..') return "must not be '.' or '..'"
  return name === name.toLowerCase() ? undefined : 'must be lowercase'
}
