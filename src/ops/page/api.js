// Every request goes to this page's own origin, with the operator's token where there is one.

const KEPT = 'memory-gateway-ops-token'

/** Why there is no answer to show. */
export class Refusal extends Error {
  /**
   * @param {number} status 0 where the gateway did not answer
   * @param {string} message
   */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(KEPT, token)
}

export function forgetToken() {
  sessionStorage.removeItem(KEPT)
}

export function hasToken() {
  return sessionStorage.getItem(KEPT) !== null
}

/**
 * @param {string} path
 * @param {unknown} [body] makes it a POST
 * @returns {Promise<unknown>}
 * @throws {Refusal}
 */
export async function ask(path, body) {
  const token = sessionStorage.getItem(KEPT)
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const limit = { signal: AbortSignal.timeout(10_000) }
  const response = await fetch(path, { ...init, ...limit, headers, cache: 'no-store' }).catch(() => {
    throw new Refusal(0, 'The gateway does not answer')
  })
  /** @type {unknown} */
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Refusal(response.status, reasonIn(answer) ?? `Status ${String(response.status)}`)
  return answer
}

/** @param {unknown} answer */
function reasonIn(answer) {
  const isWorded = typeof answer === 'object' && answer !== null && 'error' in answer
  return isWorded ? String(answer.error) : undefined
}
