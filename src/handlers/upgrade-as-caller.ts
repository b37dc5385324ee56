import type { Admitted, HandlerParts } from './exchange.ts'

/** The longest that a timer of Node's can be set for. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Sends a request on to the cluster that is to upgrade its connection, as the caller. What comes then is the caller's and the node's; it ends with the token at
 * the latest, since nobody would ask for one again, and when the request would be let in no more.
 */
export async function upgradeAsCaller(
  parts: HandlerParts,
  exchange: Admitted,
  headers: readonly string[],
): Promise<void> {
  const { request, response, upgrade, waited, principal, cluster, requestId, uri } = exchange
  const { forwardUpgrade } = cluster
  if (upgrade === undefined || forwardUpgrade === undefined) throw new Error('nothing to upgrade, or no way to')
  await waited.during(async () => {
    const { closed } = await forwardUpgrade(request, response, headers, upgrade)
    // Its token may end before an answer that is none of another protocol's, as with any request.
    if (response.statusCode !== 101) return closed
    const end = (): unknown => response.destroy()
    const leftMs = Math.min(principal.expiresAt * 1_000 - Date.now(), LONGEST_TIMER_MS)
    const timer = setTimeout(end, Math.max(leftMs, 0)).unref()
    const { protocol } = upgrade
    const token = tokenOf(request)
    const leave = parts.upgraded?.stand({ requestId, protocol, path: uri, token, principal, parts, cluster, end })
    await closed.finally(() => {
      clearTimeout(timer)
      leave?.()
    })
  })
}

/** Of a request that was let in by its only `Authorization` header. */
function tokenOf({ headers }: Admitted['request']): string {
  return (headers.authorization ?? '').replace(/^Bearer +/i, '')
}
