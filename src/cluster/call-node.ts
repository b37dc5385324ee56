import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { unzip } from 'node:zlib'

import type { Connection } from './official-client.ts'

type NodeCall = Parameters<Connection['request']>[0]

export interface NodeAnswer {
  readonly status: number
  readonly headers: Readonly<IncomingHttpHeaders>
  readonly text: string
}

/**
 * One call over a connection of the official client, read to its end. Not by the client's `Transport.request`: that defines a getter on each of its results, by
 * which V8 makes a hidden class for each; those are old from birth, and all that a call had made outlived young collections with them (a third of what
 * was allocated; Node 24, client 3.9.0).
 * @param signals each of them ends the call
 */
export async function callNode(
  connection: Connection,
  call: NodeCall,
  signals: readonly AbortSignal[],
): Promise<NodeAnswer> {
  let abort = (): void => undefined
  const onAbort = (): void => abort()
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const request = connection.request(call, (error, response) => {
      if (response === null) reject(error ?? new Error('Neither an answer nor an error'))
      else resolve(response)
    })
    abort = () => void request.destroy()
  })
  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
  try {
    const response = await answered
    const { statusCode = 0, headers } = response
    return { status: statusCode, headers, text: await readText(response, headers['content-encoding']) }
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', onAbort)
  }
}

/** The first value of a header. */
export function headerOf({ headers }: NodeAnswer, name: string): string | undefined {
  return [headers[name]].flat()[0]
}

const inflate = promisify(unzip)

/** Compressed only by what stands between: the gateway never asks a node for that. */
async function readText(stream: Readable, encoding: string | undefined): Promise<string> {
  const chunks: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', resolve)
    stream.on('error', reject)
  })
  const whole = Buffer.concat(chunks)
  return (encoding === undefined || encoding === 'identity' ? whole : await inflate(whole)).toString('utf8')
}
