import type { IncomingMessage } from 'node:http'

import { GatewayError } from '../core/failure.ts'

/**
 * Reads a whole body as text.
 * @throws GatewayError bodyTooLarge beyond `maxBytes`, invalidBody where it is encoded, not UTF-8, or breaks off
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw new GatewayError('invalidBody', { reason: 'The body must be sent without a content encoding' })
  }
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new GatewayError('bodyTooLarge')
      chunks.push(chunk)
    }
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    if (error instanceof GatewayError) throw error
    throw new GatewayError('invalidBody', { reason: 'The body is not UTF-8, or broke off', cause: error })
  }
}

const JSON_TYPE = /^application\/(?:vnd\.opensearch\+)?json\s*(?:;|$)/i

/**
 * Reads a body that is JSON by its content type, as the server wants it: other notations of it are not parsed here.
 * @throws GatewayError unsupportedContentType; as {@link readBody}
 */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const type = request.headers['content-type'] ?? ''
  const body = await readBody(request, maxBytes)
  if (body === '' || JSON_TYPE.test(type.trim())) return body
  throw new GatewayError('unsupportedContentType', { reason: `Content-Type header [${type}] is not supported` })
}
