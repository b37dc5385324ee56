/**
 * Why a request could not be decided or carried out. Every failure that a caller can see is a row of this table;
 * a code without a row does not compile. (What the domain *did* decide, such as "memory not found", is a value, not a failure.)
 */
export type FailureSource = 'caller' | 'upstream' | 'gateway'

interface FailureRow {
  /** HTTP status of the answer. */
  readonly status: number
  /** Who has to act: decides what is logged, and how loudly. */
  readonly source: FailureSource
  /** The `type` of the error in the OpenSearch dialect. */
  readonly type: string
  /** What the caller reads unless the thrower knows better: what was wrong, and what to do. */
  readonly reason: string
}

export const FAILURES = {
  ambiguousTarget: {
    status: 400,
    source: 'caller',
    type: 'illegal_argument_exception',
    reason: 'The request target can be read in more than one way; percent-encode it plainly',
  },
  invalidMemoryType: {
    status: 400,
    source: 'caller',
    type: 'illegal_argument_exception',
    reason: 'The memory type is not one of sessions, working, long-term and history',
  },
  invalidMemoryId: {
    status: 400,
    source: 'caller',
    type: 'illegal_argument_exception',
    reason: 'The memory id is not valid',
  },
  unrecognizedParameter: {
    status: 400,
    source: 'caller',
    type: 'illegal_argument_exception',
    reason: 'The request contains an unrecognized parameter',
  },
  invalidBody: {
    status: 400,
    source: 'caller',
    type: 'parse_exception',
    reason: 'The request body is not what this route takes',
  },
  unreadableBody: {
    status: 415,
    source: 'caller',
    type: 'illegal_argument_exception',
    reason: 'The gateway cannot read a body of this type or encoding',
  },
  invalidQuery: {
    status: 400,
    source: 'caller',
    type: 'parsing_exception',
    reason: 'The query is not one that is allowed here',
  },
  queryRequired: {
    status: 400,
    source: 'caller',
    type: 'action_request_validation_exception',
    reason: 'Validation Failed: 1: Query is required;',
  },
  unsupportedContentType: {
    status: 406,
    source: 'caller',
    type: 'content_type_header_exception',
    reason: 'Content-Type header [] is not supported',
  },
  unsuitableMapping: {
    status: 409,
    source: 'upstream',
    type: 'illegal_state_exception',
    reason: 'The mapping of the index does not let a query tell whose a memory is',
  },
  bodyTooLarge: {
    status: 413,
    source: 'caller',
    type: 'content_too_long_exception',
    reason: 'The request body is too large',
  },
  malformedAuthorization: {
    status: 400,
    source: 'caller',
    type: 'illegal_argument_exception',
    reason: 'Send exactly one Authorization header',
  },
  missingToken: {
    status: 401,
    source: 'caller',
    type: 'security_exception',
    reason: 'Missing bearer token; send the header "Authorization: Bearer <token>"',
  },
  invalidToken: {
    status: 401,
    source: 'caller',
    type: 'security_exception',
    reason: 'The bearer token is not valid here',
  },
  insufficientScope: {
    status: 403,
    source: 'caller',
    type: 'security_exception',
    reason: 'The bearer token lacks the scope for this request',
  },
  guardRefused: {
    status: 403,
    source: 'caller',
    type: 'security_exception',
    reason: 'No rule of the gateway lets this request through',
  },
  noRoute: {
    status: 403,
    source: 'caller',
    type: 'security_exception',
    reason: 'No route of the gateway leads this request to a cluster',
  },
  claimRequired: {
    status: 403,
    source: 'caller',
    type: 'security_exception',
    reason: 'The bearer token lacks a claim that the route of this request requires',
  },
  unsendableIdentity: {
    status: 403,
    source: 'caller',
    type: 'security_exception',
    reason:
      'The subject or a backend role of the bearer token holds characters that cannot be passed on to the cluster',
  },
  noLegacyContainer: {
    status: 403,
    source: 'caller',
    type: 'security_exception',
    reason: 'The bearer token names no memory container, and none is configured for tokens without one',
  },
  tooManyRequests: {
    status: 429,
    source: 'upstream',
    type: 'rejected_execution_exception',
    reason: 'The cluster rejected the request because it is busy; try again later',
  },
  internal: {
    status: 500,
    source: 'gateway',
    type: 'internal_server_error',
    reason: 'The gateway failed while it handled the request; its log has the details under the request id',
  },
  upstreamUnavailable: {
    status: 502,
    source: 'upstream',
    type: 'bad_gateway_exception',
    reason: 'The cluster cannot be reached',
  },
  upstreamRefusedGateway: {
    status: 502,
    source: 'upstream',
    type: 'bad_gateway_exception',
    reason: 'The cluster refused the credentials of the gateway',
  },
  upstreamMasked: {
    status: 502,
    source: 'upstream',
    type: 'bad_gateway_exception',
    reason: 'The gateway cannot tell whether this exists: the cluster hides the index from the gateway',
  },
  upstreamInvalid: {
    status: 502,
    source: 'upstream',
    type: 'bad_gateway_exception',
    reason: 'The cluster gave an answer that the gateway does not understand',
  },
  invalidIdempotencyKey: {
    status: 400,
    source: 'caller',
    type: 'illegal_argument_exception',
    reason: 'The Idempotency-Key is not valid',
  },
  idempotencyKeyInUse: {
    status: 409,
    source: 'caller',
    type: 'status_exception',
    reason: 'A request with this Idempotency-Key is still under way; ask again for its answer',
  },
  idempotencyKeyReused: {
    status: 422,
    source: 'caller',
    type: 'status_exception',
    reason: 'This Idempotency-Key was used for another request; use a new one',
  },
  rateLimited: {
    status: 429,
    source: 'caller',
    type: 'rejected_execution_exception',
    reason: 'Too many deletes by one subject; try again later',
  },
  unusableContainer: {
    status: 502,
    source: 'upstream',
    type: 'bad_gateway_exception',
    reason: 'The configuration of this memory container names no index that can be used safely',
  },
  keysUnavailable: {
    status: 503,
    source: 'gateway',
    type: 'service_unavailable_exception',
    reason: 'The keys to verify this token cannot be fetched at the moment; try again later',
  },
  revocationsUnavailable: {
    status: 503,
    source: 'gateway',
    type: 'service_unavailable_exception',
    reason: 'Whether this token was revoked cannot be told at the moment; try again later',
  },
  indicesUnknown: {
    status: 503,
    source: 'upstream',
    type: 'service_unavailable_exception',
    reason: 'The gateway cannot tell at the moment which indices this request would reach; try again later',
  },
  auditUnavailable: {
    status: 503,
    source: 'gateway',
    type: 'service_unavailable_exception',
    reason: 'The delete cannot be recorded at the moment, so it was not made; try again later',
  },
  keptAnswersUnavailable: {
    status: 503,
    source: 'gateway',
    type: 'service_unavailable_exception',
    reason: 'Whether a request with this Idempotency-Key was made before cannot be told at the moment; try again later',
  },
  overloaded: {
    status: 503,
    source: 'gateway',
    type: 'service_unavailable_exception',
    reason: 'The gateway has too many requests waiting for this cluster; try again later',
  },
  circuitOpen: {
    status: 503,
    source: 'upstream',
    type: 'service_unavailable_exception',
    reason: 'The cluster has failed several times in a row and is given a rest; try again later',
  },
  upstreamTimeout: {
    status: 504,
    source: 'upstream',
    type: 'gateway_timeout_exception',
    reason: 'The cluster did not answer in time',
  },
  outcomeUnknown: {
    status: 504,
    source: 'upstream',
    type: 'gateway_timeout_exception',
    reason: 'The cluster did not confirm the delete in time: whether the memory was deleted is unknown',
  },
} as const satisfies Record<string, FailureRow>

export type FailureCode = keyof typeof FAILURES

interface FailureDetails {
  /** Replaces the row's reason. Seen by the caller: no token, no memory text, no internal address. */
  readonly reason?: string
  /** For the log only. */
  readonly cause?: unknown
  /** Whole seconds for `Retry-After`. */
  readonly retryAfterSeconds?: number
  /** The scope to name in `WWW-Authenticate` (RFC 6750 section 3). */
  readonly scope?: string
}

/** The one error class whose instances become answers; anything else that is thrown is answered as `internal`. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: FailureCode
  readonly retryAfterSeconds: number | undefined
  readonly scope: string | undefined

  constructor(code: FailureCode, details: FailureDetails = {}) {
    super(details.reason ?? FAILURES[code].reason, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryAfterSeconds = details.retryAfterSeconds
    this.scope = details.scope
  }

  get status(): number {
    return FAILURES[this.code].status
  }
}
