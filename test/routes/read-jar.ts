import { inflateRawSync } from 'node:zlib'

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const DEFLATED = 8

/** The texts of a jar's files whose names the filter takes (PKWARE APPNOTE 4.3; no ZIP64, no encryption). */
export function readJar(jar: Buffer, isWanted: (name: string) => boolean): Map<string, string> {
  const texts = new Map<string, string>()
  const end = jar.lastIndexOf(Buffer.from(Uint32Array.of(END_OF_DIRECTORY).buffer))
  if (end === -1) throw new Error('not a jar: it has no directory')
  let entry = jar.readUInt32LE(end + 16)
  for (let left = jar.readUInt16LE(end + 10); left > 0; left--) {
    if (jar.readUInt32LE(entry) !== DIRECTORY_ENTRY) throw new Error('a jar whose directory cannot be read')
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((at) => jar.readUInt16LE(entry + at))
    const start = entry + 46
    const name = jar.toString('utf8', start, start + (nameLength ?? 0))
    if (isWanted(name)) texts.set(name, textOf(jar, entry))
    entry = start + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0)
  }
  return texts
}

function textOf(jar: Buffer, entry: number): string {
  const local = jar.readUInt32LE(entry + 42)
  const data = local + 30 + jar.readUInt16LE(local + 26) + jar.readUInt16LE(local + 28)
  const bytes = jar.subarray(data, data + jar.readUInt32LE(entry + 20))
  return (jar.readUInt16LE(entry + 10) === DEFLATED ? inflateRawSync(bytes) : bytes).toString('utf8')
}
