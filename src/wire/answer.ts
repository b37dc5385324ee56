import type { ByQueryOutcome } from '../core/delete-by-query.ts'
import type { ContainerOutcome } from '../core/delete-container.ts'
import type { BulkOutcome } from '../core/delete-memories.ts'
import type { Refusal } from '../core/decide.ts'
import type { DeleteOutcome } from '../core/delete-memory.ts'
import type { GatewayError } from '../core/failure.ts'
import type { MemoryType } from '../core/memory.ts'
import type { Presentation } from '../core/parameters.ts'
import type { Dialect } from '../core/route.ts'
import type { SearchAnswer } from '../core/search-memories.ts'
import { applyFilterPath } from './filter-path.ts'
import { wordBulkOutcome, wordLegacyError, wordLegacyFailure, wordLegacyOutcome } from './memory-plugin.ts'
import { wordByQueryOutcome } from './by-query.ts'
import { wordContainerOutcome } from './container.ts'
import { memoryBody } from './memory-body.ts'
import { wordFailure, wordNoHandler, wordOutcome, wordRefusal, wordWrongMethod } from './opensearch.ts'
import type { DENIED, Words } from './opensearch.ts'
import { render } from './render.ts'

/** What was not done: the words of a refusal depend on it. */
export type RefusedWork = keyof typeof DENIED

/** What a request came to, before it is put into words. */
export type Result =
  | {
      readonly kind: 'outcome'
      readonly outcome: DeleteOutcome
      /** How many working memories went with a session; absent where nobody asked for it. */
      readonly cascaded?: number
      readonly signed?: string
    }
  /** `signed`: the receipt, a compact JWS. */
  | {
      readonly kind: 'byQueryOutcome'
      readonly outcome: ByQueryOutcome
      readonly tookMs: number
      readonly signed?: string
    }
  | { readonly kind: 'containerOutcome'; readonly outcome: ContainerOutcome; readonly signed?: string }
  /** A memory as it is stored, for who may read it. */
  | { readonly kind: 'memory'; readonly type: MemoryType; readonly source: unknown }
  /** The cluster's own answer, which goes on as it came. */
  | { readonly kind: 'clusterAnswer'; readonly answer: SearchAnswer }
  | {
      readonly kind: 'refused'
      readonly work: RefusedWork
      readonly containerId: string
      readonly refusal: Refusal
    }
  | { readonly kind: 'bulkOutcome'; readonly outcome: BulkOutcome; readonly signed?: string }
  /** The public keys of receipts, as a JSON Web Key Set. */
  | { readonly kind: 'receiptKeys'; readonly text: string }
  | { readonly kind: 'failure'; readonly error: GatewayError }
  | { readonly kind: 'wrongMethod'; readonly allow: readonly string[] }
  | { readonly kind: 'noHandler' }
  | { readonly kind: 'unknownLegacyPath' }
  /** RFC 9110 section 9.3.7; a CORS preflight is one of these. */
  | { readonly kind: 'options'; readonly allow: readonly string[] }

export interface AnswerContext {
  readonly dialect: Dialect
  readonly method: string
  /** The raw request target and its decoded path: the server's own errors quote one or the other. */
  readonly uri: string
  readonly decodedPath: string
  readonly presentation: Presentation
  readonly requestId: string
  /** The caller's `X-Opaque-Id`, which the server returns. */
  readonly opaqueId: string | undefined
  /** `X-OpenSearch-Version` as the cluster last sent it. */
  readonly versionHeader: string | undefined
  readonly legacyMissing: 200 | 404
  /** The result is that of an earlier call with the same `Idempotency-Key`. */
  readonly isReplayed: boolean
  /** The caller's Origin, where the legacy API is open to it. */
  readonly corsOrigin: string | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** The one place where a result becomes an answer, whatever the dialect. */
export function answerOf(result: Result, context: AnswerContext): Answer {
  const headers: [string, string][] = [['x-request-id', context.requestId]]
  headers.push(...(context.dialect === 'opensearch' ? openSearchHeaders(context) : corsHeaders(result, context)))
  headers.push(...resultHeaders(result))
  if (context.isReplayed) headers.push(['idempotent-replayed', 'true'])
  if (result.kind === 'options') return { status: 204, headers, body: '' }
  if (result.kind === 'receiptKeys') {
    headers.push(['content-type', 'application/jwk-set+json'], ['content-length', String(byteLength(result.text))])
    headers.push(['cache-control', 'public, max-age=300'])
    return { status: 200, headers, body: result.text }
  }
  if (result.kind === 'clusterAnswer') {
    const { status, contentType, text } = result.answer
    headers.push(['content-type', contentType], ['content-length', String(byteLength(text))])
    return { status, headers, body: text }
  }
  if (result.kind === 'wrongMethod' && context.method === 'OPTIONS' && context.dialect === 'opensearch') {
    // The server's own answer to OPTIONS on a path that it knows.
    headers.push(['content-type', 'text/plain; charset=UTF-8'], ['content-length', '0'])
    return { status: 200, headers, body: '' }
  }

  const words = wordsFor(result, context)
  const { presentation, dialect } = context
  const body =
    words.isError || dialect === 'memoryPlugin' ? words.body : applyFilterPath(words.body, presentation.filterPaths)
  const rendered = render(
    body,
    dialect === 'opensearch' ? presentation : { ...presentation, pretty: false, format: 'json' },
  )
  headers.push(['content-type', rendered.contentType], ['content-length', String(byteLength(rendered.text))])
  return { status: words.status, headers, body: rendered.text }
}

type WordsContext = Pick<AnswerContext, 'dialect' | 'method' | 'uri' | 'decodedPath' | 'legacyMissing'>

/** The status that a result is answered with. */
export function statusOf(result: Result, context: WordsContext): number {
  if (result.kind === 'options') return 204
  if (result.kind === 'receiptKeys') return 200
  return result.kind === 'clusterAnswer' ? result.answer.status : wordsFor(result, context).status
}

function wordsFor(
  result: Exclude<Result, { kind: 'options' | 'clusterAnswer' | 'receiptKeys' }>,
  context: WordsContext,
): Words {
  const isLegacy = context.dialect === 'memoryPlugin'
  switch (result.kind) {
    case 'outcome':
      return isLegacy ? wordLegacyOutcome(result.outcome, context.legacyMissing) : wordOutcome(result.outcome)
    case 'byQueryOutcome':
      return wordByQueryOutcome(result.outcome, result.tookMs)
    case 'containerOutcome':
      return wordContainerOutcome(result.outcome)
    case 'memory':
      return { status: 200, body: memoryBody(result.type, result.source), isError: false }
    case 'refused':
      return wordRefusal(result.refusal, result.work, result.containerId)
    case 'bulkOutcome':
      return wordBulkOutcome(result.outcome)
    case 'failure':
      return isLegacy ? wordLegacyFailure(result.error) : wordFailure(result.error)
    case 'wrongMethod':
      return isLegacy
        ? wordLegacyError(405, 'Method not allowed')
        : wordWrongMethod(context.method, context.uri, result.allow)
    case 'noHandler':
      return wordNoHandler(context.method, context.decodedPath)
    case 'unknownLegacyPath':
      return wordLegacyError(404, 'Not found')
  }
}

function openSearchHeaders({ versionHeader, opaqueId }: AnswerContext): [string, string][] {
  return [
    ...(versionHeader === undefined ? [] : [['X-OpenSearch-Version', versionHeader] satisfies [string, string]]),
    ...(opaqueId === undefined ? [] : [['X-Opaque-Id', opaqueId] satisfies [string, string]]),
  ]
}

/** CORS (Fetch standard, section 3.2) for browser extensions. The token is sent by hand, so credentials stay off. */
function corsHeaders(result: Result, { corsOrigin }: AnswerContext): [string, string][] {
  const headers: [string, string][] = [['vary', 'Origin']]
  if (corsOrigin === undefined) return headers
  headers.push(['access-control-allow-origin', corsOrigin])
  if (result.kind === 'options') {
    headers.push(
      ['access-control-allow-methods', result.allow.join(', ')],
      ['access-control-allow-headers', 'authorization, content-type, idempotency-key, x-request-id'],
      ['access-control-max-age', '600'],
    )
  } else {
    headers.push([
      'access-control-expose-headers',
      'x-request-id, retry-after, www-authenticate, idempotent-replayed, x-memory-recovered, memory-receipt',
    ])
  }
  return headers
}

function resultHeaders(result: Result): [string, string][] {
  const receipt = 'signed' in result ? result.signed : undefined
  return [
    ...(receipt === undefined ? [] : [['memory-receipt', receipt] satisfies [string, string]]),
    ...ownHeaders(result),
  ]
}

function ownHeaders(result: Result): [string, string][] {
  if (result.kind === 'wrongMethod' || result.kind === 'options') return [['allow', result.allow.join(',')]]
  if (result.kind === 'outcome' || result.kind === 'containerOutcome') {
    const isRecovered = 'receipt' in result.outcome && result.outcome.receipt.recovered
    const cascaded = result.kind === 'outcome' ? result.cascaded : undefined
    return [
      ...(isRecovered ? [['x-memory-recovered', 'true'] satisfies [string, string]] : []),
      ...(cascaded === undefined ? [] : [['x-memory-cascaded', String(cascaded)] satisfies [string, string]]),
    ]
  }
  return result.kind === 'failure' ? failureHeaders(result.error) : []
}

function failureHeaders(error: GatewayError): [string, string][] {
  const challenge = challengeFor(error)
  return [
    ...(challenge === undefined ? [] : [['www-authenticate', challenge] satisfies [string, string]]),
    ...(error.retryAfterSeconds === undefined
      ? []
      : [['retry-after', String(error.retryAfterSeconds)] satisfies [string, string]]),
  ]
}

const REALM = 'Bearer realm="opensearch-memory-gateway"'

/** RFC 6750 section 3: no error code where the request had no token at all, `scope` where another token would do. */
function challengeFor(error: GatewayError): string | undefined {
  switch (error.code) {
    case 'missingToken':
      return REALM
    case 'malformedAuthorization':
      return `${REALM}, error="invalid_request", error_description="${quotable(error.message)}"`
    case 'invalidToken':
      return `${REALM}, error="invalid_token", error_description="${quotable(error.message)}"`
    case 'insufficientScope': {
      const scope = error.scope === undefined ? '' : `, scope="${quotable(error.scope)}"`
      return `${REALM}, error="insufficient_scope", error_description="${quotable(error.message)}"${scope}`
    }
    default:
      return undefined
  }
}

/** The characters that RFC 6750 section 3 allows in a description. */
function quotable(text: string): string {
  return text.replaceAll(/[^ !#-[\]-~]/g, "'")
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
