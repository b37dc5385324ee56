import { GatewayError } from '../core/failure.ts'

/** Takes a body's bytes as they came, and gives what they mean. */
export interface Inflater {
  /** Gives every piece to `onBytes` before it resolves. @throws GatewayError invalidBody, bodyTooLarge */
  push(chunk: Uint8Array, onBytes: OnBytes): Promise<void>
  /** @throws GatewayError invalidBody: the body breaks off */
  end(): void
  close(): void
}

export type OnBytes = (bytes: Uint8Array) => Promise<void>

/** @param why completes "The request body ..." */
export function notInflatable(why: string): GatewayError {
  return new GatewayError('invalidBody', { reason: `The request body ${why}` })
}

export function inflatesTooFar(maxBytes: number): GatewayError {
  const reason = `The request body is larger than ${String(maxBytes)} bytes once it is decompressed`
  return new GatewayError('bodyTooLarge', { reason })
}
