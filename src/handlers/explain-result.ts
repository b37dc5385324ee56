import type { Explanation, Stage } from '../core/explain.ts'
import { dialectOf, dialectOfRawTarget } from '../core/route.ts'
import { answerOf } from '../wire/answer.ts'
import type { Result } from '../wire/answer.ts'
import type { Arrived } from './admit.ts'

/** Says of a result what its caller would read, and whether that is what they asked for. */
export function wordResult(
  result: Result,
  { method, uri, route, target }: Arrived,
  by: Stage,
  legacyMissing: 200 | 404,
): Pick<Explanation, 'decision' | 'by' | 'why' | 'answer'> {
  const { status, body } = answerOf(result, {
    dialect: route === undefined ? dialectOfRawTarget(uri) : dialectOf(route),
    method,
    uri,
    decodedPath: target?.decodedPath ?? uri,
    presentation: { pretty: false, filterPaths: { includes: [], excludes: [] }, format: 'json' },
    requestId: '',
    opaqueId: undefined,
    versionHeader: undefined,
    legacyMissing,
    isReplayed: false,
    corsOrigin: undefined,
  })
  const reason = reasonIn(body)
  const answer = { status, ...(reason === undefined ? {} : { reason }) }
  if (status < 400)
    return { decision: 'allowed', why: reason ?? ANSWERED_BY[by] ?? 'The gateway answers this itself', answer }
  if (status >= 500 || (status === 429 && by !== 'quota')) {
    return { decision: 'unknown', by, why: `It could not be decided: ${reason ?? String(status)}`, answer }
  }
  return { decision: 'refused', by, why: `${REFUSED_BY[by]}: ${reason ?? String(status)}`, answer }
}

const ANSWERED_BY: Partial<Readonly<Record<Stage, string>>> = {
  idempotencyKey: 'The answer of the first call with this Idempotency-Key is sent again, and nothing is done',
}

const REFUSED_BY: Readonly<Record<Stage, string>> = {
  target: 'The method or the path is not one that the gateway takes',
  token: 'The token is not accepted',
  route: 'The routes lead this caller to no cluster',
  scope: 'The token lacks a scope',
  guard: 'The guard keeps this caller from it',
  request: 'The request asks for it in a way that is not allowed',
  idempotencyKey: 'The Idempotency-Key keeps it from being done',
  quota: 'The caller has made too many deletes in this minute',
  container: 'The memory container is not open to this caller, or not there',
  memory: 'There is no such memory',
  owner: 'The memory is not the caller’s own',
  identity: 'The caller cannot be named to the cluster',
}

/** Every dialect has its own place for it. */
function reasonIn(body: string): string | undefined {
  if (body === '') return undefined
  const { error, message } = JSON.parse(body) as { error?: string | { reason?: string }; message?: string }
  return typeof error === 'object' ? error.reason : (error ?? message)
}
