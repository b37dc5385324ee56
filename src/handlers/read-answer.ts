import type { AnswerWatch } from '../forward/engine.ts'
import { valuesOf } from '../forward/headers.ts'
import { inflaterFor } from '../forward/inflate-body.ts'

/** Compressed bytes that wait to be inflated. */
const MAX_WAITING_BYTES = 8_388_608
const JSON_TYPE = /^application\/json[ \t]*(?:;.*)?$/i

/** Why an answer could not be read to its end. */
export type Unread = 'answerCutOff' | 'answerUnreadable'

/** Reads a JSON answer while it goes on to its caller, whatever its content coding. */
export interface AnswerReader {
  readonly watch: AnswerWatch
  /** Once the answer is over: ends when all of it is read. */
  end(): Promise<Unread | undefined>
}

type Take = (bytes: Uint8Array) => void

/** @param take gets what it means, in pieces that are good until the call returns; of an answer with a status of 500 and more nothing */
export function openAnswerReader(take: Take): AnswerReader {
  let takeCoded: Take | undefined
  let reading = Promise.resolve()
  let isUnreadable = false
  let isOver = false
  const giveUp = (): void => {
    isUnreadable = true
    takeCoded = undefined
  }
  /** Behind the answer, which does not wait. */
  function inflating(openInflater: NonNullable<ReturnType<typeof inflaterFor>>): Take {
    const inflater = openInflater(Infinity)
    const takeInflated = (bytes: Uint8Array): Promise<void> => {
      take(bytes)
      return Promise.resolve()
    }
    const push = (bytes: Uint8Array): Promise<void> | undefined =>
      isUnreadable ? undefined : inflater.push(bytes, takeInflated)
    let waiting = 0
    return (bytes) => {
      waiting += bytes.length
      if (waiting > MAX_WAITING_BYTES) giveUp()
      const done = (): void => void (waiting -= bytes.length)
      reading = reading.then(() => push(bytes)).then(done, giveUp)
    }
  }
  return {
    watch: {
      begun(status, headers) {
        if (status >= 500) return
        const [type = '', ...otherTypes] = valuesOf(headers, 'content-type')
        const [encoding = 'identity', ...otherEncodings] = valuesOf(headers, 'content-encoding')
        const openInflater = inflaterFor(encoding)
        const isReadable = encoding.toLowerCase() === 'identity' || openInflater !== undefined
        if (!isReadable || !JSON_TYPE.test(type) || otherTypes.length + otherEncodings.length > 0) giveUp()
        else takeCoded = openInflater === undefined ? take : inflating(openInflater)
      },
      take: (bytes) => takeCoded?.(bytes),
      ended: () => void (isOver = true),
    },
    async end() {
      await reading
      if (!isOver) return 'answerCutOff'
      return isUnreadable ? 'answerUnreadable' : undefined
    },
  }
}
