import type { ServerResponse } from 'node:http'

const CHECKS_PER_TIMEOUT = 4

/**
 * Ends an exchange whose caller takes nothing of the answer any more, though there is more of it: a reader who stops would else hold a
 * connection to the node for as long as it likes. However slowly it reads, whoever reads goes on.
 * @param timeoutMs without any progress; it ends within a quarter of that after it
 */
export function endWhenUnread(response: ServerResponse, timeoutMs: number): void {
  let seen = progressOf(response)
  let unchanged = 0
  const check = (): void => {
    const now = progressOf(response)
    const isStuck = response.socket !== null && response.writableLength > 0 && now === seen
    unchanged = isStuck ? unchanged + 1 : 0
    seen = now
    if (unchanged >= CHECKS_PER_TIMEOUT) response.destroy()
  }
  const timer = setInterval(check, Math.ceil(timeoutMs / CHECKS_PER_TIMEOUT)).unref()
  // It may hold as much at each check, and yet not the same.
  const onDrain = (): void => void (unchanged = -1)
  const stop = (): void => {
    clearInterval(timer)
    response.off('drain', onDrain).off('finish', stop).off('close', stop)
  }
  response.on('drain', onDrain).on('finish', stop).on('close', stop)
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
