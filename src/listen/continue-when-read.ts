import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Answers `Expect: 100-continue` as soon as somebody begins to read the body, whoever that is: a caller who is refused has not sent it then
 * (RFC 9110 section 10.1.1). Where nobody reads, the connection ends with the answer: whether the body still comes is not known.
 */
export function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const mayStay = response.shouldKeepAlive
  response.shouldKeepAlive = false
  const onListener = (event: string | symbol): void => {
    if (event !== 'data' && event !== 'readable') return
    request.off('newListener', onListener)
    if (response.headersSent) return
    response.shouldKeepAlive = mayStay
    response.writeContinue()
  }
  request.on('newListener', onListener)
}
