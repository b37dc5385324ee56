const [QUOTE, BACKSLASH, COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d,
]
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
/** What else stands outside of strings: numbers, `true`, `false`, `null`, commas and colons. */
const PLAIN: ReadonlySet<number> = new Set(new TextEncoder().encode('0123456789+-.eEtrufalsn,:'))

/** Tells of a JSON object, as it streams, cut anywhere, whether it has a member of a name. */
export interface MemberSearch {
  push(bytes: Uint8Array): void
  /** Also where the server may read in another way what stands there: comments, escapes in the names of members, other encodings than UTF-8. */
  mayHave(): boolean
}

/** @param name in ASCII, as of a member of the outermost object; its value may be as long as it likes, since nothing is held */
export function searchMember(name: string): MemberSearch {
  let mayHave = false
  let isOver = false
  let depth = 0
  let isInString = false
  let isEscaped = false
  /** Of the last string in the outermost object: as far as it could be the name, and whether it may spell anything. */
  let text = ''
  let isOdd = false
  let isAfterString = false

  const readInString = (byte: number): void => {
    if (isEscaped) isEscaped = false
    else if (byte === BACKSLASH) isEscaped = isOdd = true
    else if (byte === QUOTE) {
      isInString = false
      isAfterString = depth === 1
    } else if (byte >= 0x80) isOdd = true
    else if (depth === 1 && text.length <= name.length) text += String.fromCharCode(byte)
  }
  const beginString = (): void => {
    isInString = true
    isOdd = isAfterString = false
    text = ''
  }
  const readOutside = (byte: number): void => {
    if (BLANKS.has(byte)) return
    if (depth === 0 && byte !== OPEN_OBJECT) mayHave = true
    else if (byte === QUOTE) beginString()
    else if (byte === COLON && isAfterString && (isOdd || text === name)) mayHave = true
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--
      isOver = depth === 0
    } else if (!PLAIN.has(byte)) mayHave = true
    isAfterString = false
  }
  return {
    push(bytes) {
      for (let position = 0; position < bytes.length && !mayHave && !isOver; position++) {
        const byte = bytes[position] ?? 0
        if (isInString) readInString(byte)
        else readOutside(byte)
      }
    },
    mayHave: () => mayHave,
  }
}
