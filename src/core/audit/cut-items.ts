import { HeldBytes } from '../guard/bodies/held-bytes.ts'

/** Reads the server's answer to a `_bulk` as it streams, cut anywhere. */
export interface ItemsCutter {
  push(bytes: Uint8Array): void
  /** The answer has come to its end. */
  isWhole(): boolean
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]
const ITEMS = '"items"'

/**
 * Cuts the elements of the list `items` out of a JSON object, without a parser: each is given as its bytes, to be parsed where somebody wants it.
 * @param onItem the bytes are good until the call returns; `undefined` for an element longer than `maxItemBytes`
 */
export function cutItems(maxItemBytes: number, onItem: (bytes: Uint8Array | undefined) => void): ItemsCutter {
  const held = new HeldBytes(maxItemBytes)
  let depth = 0
  let isInString = false
  let isEscaped = false
  let isInItems = false
  let isTooLong = false
  let isWhole = false
  /** The last string of the outermost object, its quotes included, as far as it could be `items`. */
  let key = ''
  /** Where the element under way begins in the bytes at hand; below 0 where there is none. */
  let from = -1

  const keep = (part: Uint8Array): void => {
    isTooLong ||= !held.add(part)
  }
  const give = (part: Uint8Array): void => {
    if (held.length + part.length > maxItemBytes) isTooLong = true
    if (isTooLong) onItem(undefined)
    else if (held.length === 0) onItem(part)
    else {
      keep(part)
      onItem(held.take())
    }
    held.take()
    isTooLong = false
  }
  return {
    push(bytes) {
      if (from >= 0) from = 0
      for (let position = 0; position < bytes.length; position++) {
        const byte = bytes[position] ?? 0
        if (isInString) {
          if (depth === 1 && key.length <= ITEMS.length) key += String.fromCharCode(byte)
          if (isEscaped) isEscaped = false
          else if (byte === BACKSLASH) isEscaped = true
          else if (byte === QUOTE) isInString = false
        } else if (byte === QUOTE) {
          isInString = true
          if (depth === 1) key = '"'
        } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
          if (depth === 1) isInItems = byte === OPEN_LIST && key === ITEMS
          else if (depth === 2 && isInItems) from = position
          depth++
        } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
          depth--
          if (depth === 2 && from >= 0) {
            give(bytes.subarray(from, position + 1))
            from = -1
          }
          if (depth === 0) isWhole = true
        }
      }
      if (from >= 0) keep(bytes.subarray(from))
    },
    isWhole: () => isWhole,
  }
}
