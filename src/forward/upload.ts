import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

import { GatewayError } from '../core/failure.ts'

/**
 * The body of a request as it comes, with back-pressure, as a stream of its own: an engine that gives it up (an early answer, a broken node)
 * does not take the caller's connection with it, on which the answer has yet to go. What is not wanted any more is read and left behind, so
 * that a caller who sends all of its body before it reads gets that far; Node's request timeout is the bound.
 * @param maxBytes beyond it the stream fails with bodyTooLarge
 */
export function openUpload(request: IncomingMessage, maxBytes = Infinity): Readable {
  const upload = new Upload(request, maxBytes)
  const length = Number(request.headers['content-length'] ?? 0)
  // Told by its length, before the cluster hears of it.
  if (length > maxBytes) upload.destroy(new GatewayError('bodyTooLarge'))
  return upload
}

class Upload extends Readable {
  readonly #request: IncomingMessage
  #left: number
  #isListening = false

  constructor(request: IncomingMessage, maxBytes: number) {
    super()
    this.#request = request
    this.#left = maxBytes
    // Whether an engine listens by now or not: no failed upload is an unhandled one.
    this.on('error', () => undefined)
  }

  override _read(): void {
    if (this.#isListening) {
      this.#request.resume()
      return
    }
    this.#isListening = true
    this.#request.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onGone).on('close', this.#onGone)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onGone)
    // `error` is still listened to: a caller who goes away now must not be an unhandled one.
    if (!this.#isListening) this.#request.on('error', this.#onGone)
    if (!this.#request.readableEnded && !this.#request.destroyed) this.#request.resume()
    done(error)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#left -= chunk.length
    if (this.#left < 0) this.destroy(new GatewayError('bodyTooLarge'))
    else if (!this.push(chunk)) this.#request.pause()
  }

  readonly #onEnd = (): void => {
    // A stream of HTTP/2 that was reset ends like one that is whole: the cluster must not take a part for it.
    if (wasBrokenOff(this.#request)) this.destroy(new Error('The caller has gone'))
    else this.push(null)
  }

  readonly #onGone = (): void => {
    if (!this.#request.readableEnded && !this.destroyed) this.destroy(new Error('The caller has gone'))
  }
}

function wasBrokenOff(request: { readonly aborted?: unknown }): boolean {
  return request.aborted === true
}
