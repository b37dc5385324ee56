import { fitsGlob } from './glob.ts'

/** Which indices only `opensearch:admin` reaches, beside those that always are. */
export interface Protection {
  /** Further names, with `*` for any characters. */
  readonly more: readonly string[]
  /** Names that begin with a dot and are no system data. Never opens an index of memories or of a plugin. */
  readonly except: readonly string[]
}

// The backing indices of memory containers, whatever their prefix, and what the plugins keep their own state in.
const ALWAYS = /-memory-(?:sessions|working|long-term|history)$|^\.plugins-|^\.opendistro/

/** The backing indices of data streams, which are users' own. */
const DATA_STREAM_BACKING = '.ds-*'

/** Whether an index of this name, there already or not, holds memories or system data. Names are lower-case; aliases need not be. */
export function isProtected(name: string, { more, except }: Protection): boolean {
  const lower = name.toLowerCase()
  if (ALWAYS.test(lower) || more.some((pattern) => fitsGlob(pattern, lower))) return true
  if (!lower.startsWith('.')) return false
  return ![DATA_STREAM_BACKING, ...except].some((pattern) => fitsGlob(pattern, lower))
}
