import type { Explanation } from '../core/explain.ts'
import { failed } from './route.ts'
import type { OpsRoute } from './route.ts'

interface Question {
  readonly method: string
  readonly path: string
  readonly token?: string
  readonly idempotencyKey?: string
  readonly upgrade?: string
}

export type Explain = (question: Question) => Promise<Explanation>

/** `POST /explain`: what the gateway would make of the request that the body describes. */
export function explainRoute(explain: Explain): OpsRoute {
  return {
    method: 'POST',
    path: '/explain',
    async answer({ json }) {
      const question = readQuestion(json)
      if (question !== undefined) return { status: 200, body: await explain(question) }
      const form = '{"method": "DELETE", "path": "/...", "token": "...", "idempotencyKey": "...", "upgrade": "..."}'
      return failed(400, `The body must be ${form}, of which only method and path must be there`)
    },
  }
}

function readQuestion(value: unknown): Question | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { method, path, token, idempotencyKey, upgrade, ...others } = value as Readonly<Record<string, unknown>>
  if (Object.keys(others).length > 0) return undefined
  if (typeof method !== 'string' || !/^[A-Z-]{1,20}$/.test(method)) return undefined
  if (typeof path !== 'string' || !/^\/[\x21-\x7e]*$/.test(path)) return undefined
  if (!isTextOrAbsent(token) || !isTextOrAbsent(idempotencyKey)) return undefined
  if (upgrade !== undefined && (typeof upgrade !== 'string' || !/^[!-~]{1,64}$/.test(upgrade))) return undefined
  return {
    method,
    path,
    ...(token === undefined ? {} : { token }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(upgrade === undefined ? {} : { upgrade }),
  }
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
