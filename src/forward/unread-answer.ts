import type { ServerResponse } from 'node:http'

import { InFlight } from '../core/in-flight.ts'

const CHECKS_PER_TIMEOUT = 4

/** An answer, and what was seen of it at the last check. */
interface Watched {
  readonly response: ServerResponse
  seen: string | undefined
  unchanged: number
}

/**
 * Ends exchanges whose callers take nothing of the answer any more, though there is more of it: a reader who stops would else hold a
 * connection to the node for as long as it likes. However slowly it reads, whoever reads goes on. One timer for all of them: most answers are
 * out long before its first check, and a timer each cost them more than the rest of this.
 */
export interface UnreadAnswers {
  watch(response: ServerResponse): void
  close(): void
}

/** @param timeoutMs without any progress; an exchange ends within a half of that after it */
export function watchUnreadAnswers(timeoutMs: number): UnreadAnswers {
  const underWay = new InFlight<Watched>()
  const timer = setInterval(
    () => {
      for (const watched of underWay.items()) look(watched)
    },
    Math.ceil(timeoutMs / CHECKS_PER_TIMEOUT),
  ).unref()
  return {
    watch(response) {
      const stop = underWay.add({ response, seen: undefined, unchanged: 0 })
      response.on('finish', stop).on('close', stop)
    },
    close: () => clearInterval(timer),
  }
}

function look(watched: Watched): void {
  const { response, seen } = watched
  // Only of those that are still there at the first check. It may hold as much at each check, and yet not the same.
  if (seen === undefined) response.on('drain', () => (watched.unchanged = -1))
  const now = progressOf(response)
  const isStuck = response.socket !== null && response.writableLength > 0 && now === seen
  watched.unchanged = isStuck ? watched.unchanged + 1 : 0
  watched.seen = now
  if (watched.unchanged >= CHECKS_PER_TIMEOUT) response.destroy()
}

/** Changes when the caller takes something; behind another answer on the same connection, that one is watched. */
function progressOf(response: ServerResponse): string {
  const { socket, writableLength } = response
  // The socket of HTTP/2 carries other answers too.
  if (socket === null || 'stream' in response) return String(writableLength)
  // Of one large write the operating system takes a part at a time, which only the handle tells: Node's own timeout looks there too.
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null }
  return [writableLength, socket.bytesWritten, handle?.writeQueueSize ?? 0].join()
}
