import type { Erasure, ErasureRequest } from '../core/erasure/record.ts'
import { readErasureRequest } from '../core/erasure/record.ts'
import type { UnreadableRecord } from '../core/erasure/records.ts'
import { FAILURES, GatewayError } from '../core/failure.ts'
import { failed } from './route.ts'
import type { OpsAnswer, OpsRequest, OpsRoute } from './route.ts'

/** What came of a wish: the erasure as it stands, or why not. */
export type ErasureAnswer =
  | { readonly kind: 'erasure'; readonly erasure: Erasure }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'invalid'; readonly why: string }
  /** The erasure as it stands, where there is one: after a plan that no longer fits, the new plan. */
  | { readonly kind: 'refused'; readonly why: string; readonly erasure?: Erasure }

export interface ErasureList {
  /** Newest first. */
  readonly erasures: readonly Erasure[]
  /** Kept ones that do not fit what this gateway knows of erasures, and why. */
  readonly unreadable: readonly UnreadableRecord[]
}

/** Erasures of people, as their operators see them. All but `off` throw GatewayError where a cluster cannot be asked. */
export interface Erasures {
  /** Why there are none, and what to do; `undefined` where there may be. */
  readonly off: () => string | undefined
  readonly plan: (request: ErasureRequest) => Promise<ErasureAnswer>
  readonly apply: (id: string, hash: string) => Promise<ErasureAnswer>
  readonly cancel: (id: string) => Promise<ErasureAnswer>
  readonly list: () => Promise<ErasureList>
  readonly read: (id: string) => Promise<ErasureAnswer>
}

/** `/erasures`: plan, apply, watch and cancel the erasure of a person. */
export function erasureRoutes(erasures: Erasures): readonly OpsRoute[] {
  const row = (
    method: OpsRoute['method'],
    path: string,
    answer: (asked: OpsRequest) => Promise<OpsAnswer>,
  ): OpsRoute => ({
    method,
    path,
    answer: async (asked) => {
      const why = erasures.off()
      return why === undefined ? answer(asked).catch(answerFailure) : failed(409, why)
    },
  })
  return [
    row('GET', '/erasures', async () => {
      const { erasures: all, unreadable } = await erasures.list()
      return { status: 200, body: { erasures: all, ...(unreadable.length === 0 ? {} : { unreadable }) } }
    }),
    row('POST', '/erasures', async ({ json }) => {
      const request = readErasureRequest(json)
      return typeof request === 'string'
        ? failed(400, `The body ${request}`)
        : wordAnswer(201, await erasures.plan(request))
    }),
    row('GET', '/erasures/{id}', async ({ params }) => wordAnswer(200, await erasures.read(params['id'] ?? ''))),
    row('POST', '/erasures/{id}/apply', async ({ params, json }) => {
      const hash = readHash(json)
      return hash === undefined
        ? failed(400, 'The body must be {"hash": "..."}, with the hash of the plan')
        : wordAnswer(202, await erasures.apply(params['id'] ?? '', hash))
    }),
    row('POST', '/erasures/{id}/cancel', async ({ params }) =>
      wordAnswer(202, await erasures.cancel(params['id'] ?? '')),
    ),
  ]
}

function wordAnswer(status: number, answer: ErasureAnswer): OpsAnswer {
  switch (answer.kind) {
    case 'erasure':
      return { status, body: answer.erasure }
    case 'notFound':
      return failed(404, 'There is no such erasure')
    case 'invalid':
      return failed(400, answer.why)
    case 'refused': {
      const { why, erasure } = answer
      return { status: 409, body: { error: why, ...(erasure === undefined ? {} : { erasure }) } }
    }
  }
}

/** The operator may read what a caller may not: which container, which index, and the remedy. */
function answerFailure(error: unknown): OpsAnswer {
  if (!(error instanceof GatewayError)) throw error
  return failed(FAILURES[error.code].status, error.message)
}

function readHash(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null || !('hash' in json)) return undefined
  return Object.keys(json).length === 1 && typeof json.hash === 'string' ? json.hash : undefined
}
