import type { IncomingMessage } from 'node:http'

import type { AnswerWatch } from './engine.ts'

/** Shows an answer to who watches it, beside the pipe that passes it on and pauses it. */
export function watchAnswer(answer: IncomingMessage, watch: AnswerWatch | undefined): void {
  if (watch === undefined) return
  watch.begun(answer.statusCode ?? 0, answer.rawHeaders)
  answer.on('data', (bytes: Buffer) => watch.take(bytes)).once('end', () => watch.ended())
}
