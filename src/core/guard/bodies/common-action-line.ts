import type { ActionLine } from './action-line.ts'

/** Longer ones are for the parser. */
const MAX_BYTES = 512

// Strings without escapes, so that no two of them spell the same; each parameter at most once; a blank where serialisers put one.
const TEXT = String.raw`"([ !#-\[\]-~]*)"`
const INDEX = `"_index": ?${TEXT}`
const ID = `"_id": ?${TEXT}`
const COMMON = new RegExp(
  `^\\{"(index|create|update|delete)": ?\\{(?:${INDEX}(?:, ?${ID})?|${ID}(?:, ?${INDEX})?)?\\}\\}\\r?$`,
)

/**
 * Reads a line of metadata as clients write nearly all of them: an action with an index, an id, both or neither, in printable ASCII. What it
 * returns is what parsing the line gives, at a tenth of the cost; `undefined` for every other line, which may be as good.
 */
export function readCommonActionLine(bytes: Uint8Array): ActionLine | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const found = COMMON.exec(Reflect.apply(String.fromCharCode, undefined, bytes) as string)
  if (found === null) return undefined
  const [, action, first, id, only, index = first] = found
  return {
    kind: 'action',
    hasSource: action !== 'delete',
    isUpdate: action === 'update',
    index,
    id: id ?? only,
    routing: undefined,
    hasPipeline: false,
  }
}
