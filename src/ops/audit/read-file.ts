import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'

import type { AuditFile } from '../../core/audit/segments.ts'

const NEWLINE = 0x0a

/** Reads an audit file line by line, `.gz` too; a line that is not UTF-8 is `undefined`. */
export function readAuditFile(path: string): AuditFile {
  return { name: path, lines: readLines(path) }
}

async function* readLines(path: string): AsyncGenerator<string | undefined> {
  const file = createReadStream(path, { highWaterMark: 1_048_576 })
  const bytes: Readable = path.endsWith('.gz') ? inflated(file) : file
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, from)) {
      yield decode(decoder, rest.subarray(from, end))
      from = end + 1
    }
    rest = rest.subarray(from)
  }
  if (rest.length > 0) yield decode(decoder, rest)
}

function inflated(file: Readable): Readable {
  const inflate = createGunzip()
  file.on('error', (error) => inflate.destroy(error))
  return file.pipe(inflate)
}

function decode(decoder: TextDecoder, line: Buffer): string | undefined {
  try {
    return decoder.decode(line)
  } catch {
    return undefined
  }
}
