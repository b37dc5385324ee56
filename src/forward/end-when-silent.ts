import type { ClientRequest, ServerResponse } from 'node:http'

/** In place of the middleware's own timeout, whose error looks like any broken connection. Headers that drip are silence too. */
export function endWhenSilent(outgoing: ClientRequest, response: ServerResponse, silenceTimeoutMs: number): void {
  const end = (): unknown => outgoing.destroy(Object.assign(new Error('the node was silent'), { code: 'ETIMEDOUT' }))
  outgoing.setTimeout(silenceTimeoutMs).on('timeout', () => {
    // The node is not asked for more while the caller has yet to read: that is not its silence.
    if (response.writableNeedDrain) outgoing.socket?.setTimeout(silenceTimeoutMs)
    else end()
  })
  outgoing.once('finish', () => {
    const timer = setTimeout(end, silenceTimeoutMs)
    for (const event of ['response', 'upgrade', 'close']) outgoing.once(event, () => clearTimeout(timer))
  })
}
