import type { FailureCode } from '../../src/core/failure.ts'
import type { MemoryOperation } from '../../src/core/memory-routes.ts'

type Described = MemoryOperation | 'deleteLegacyMemory' | 'deleteLegacyMemories'

export const DELETES = [
  'deleteMemory',
  'deleteByQuery',
  'deleteContainer',
  'deleteLegacyMemory',
  'deleteLegacyMemories',
] as const
const FORWARDED = ['getContainer', 'updateContainer', 'addMemories', 'createSession', 'updateMemory'] as const
const GUARDED = [
  'createContainer',
  'searchContainers',
  'semanticSearch',
  'hybridSearch',
  'previewRetention',
  'executeRetention',
] as const
const READS = ['getMemory', 'searchMemories'] as const
const DECIDED = [...DELETES, ...FORWARDED, ...READS] as const
const QUERIES = ['deleteByQuery', 'searchMemories'] as const

/** Which operations can fail with which code: a code without a row does not compile. */
export const FAILURES_OF: Readonly<Record<FailureCode, 'every' | readonly Described[]>> = {
  // Before the handler.
  ambiguousTarget: 'every',
  malformedAuthorization: 'every',
  missingToken: 'every',
  invalidToken: 'every',
  keysUnavailable: 'every',
  revocationsUnavailable: 'every',
  insufficientScope: 'every',
  noRoute: 'every',
  claimRequired: 'every',
  overloaded: 'every',
  internal: 'every',
  guardRefused: 'every',
  // What is asked.
  invalidMemoryType: ['deleteMemory', 'getMemory', 'updateMemory', ...QUERIES],
  invalidMemoryId: ['deleteMemory', 'getMemory', 'updateMemory', 'deleteLegacyMemory'],
  unrecognizedParameter: [...FORWARDED, ...READS, 'deleteMemory', 'deleteByQuery', 'deleteContainer'],
  invalidBody: [...QUERIES, ...GUARDED, 'addMemories', 'deleteLegacyMemories'],
  unreadableBody: GUARDED,
  invalidQuery: QUERIES,
  queryRequired: ['deleteByQuery'],
  unsupportedContentType: [...QUERIES, 'addMemories'],
  bodyTooLarge: [
    ...QUERIES,
    ...GUARDED,
    'updateContainer',
    'createSession',
    'updateMemory',
    'addMemories',
    'deleteLegacyMemories',
  ],
  noLegacyContainer: ['deleteLegacyMemory', 'deleteLegacyMemories'],
  unsendableIdentity: [...FORWARDED, ...GUARDED],
  // What deletes have of their own.
  invalidIdempotencyKey: DELETES,
  idempotencyKeyInUse: DELETES,
  idempotencyKeyReused: DELETES,
  keptAnswersUnavailable: DELETES,
  rateLimited: DELETES,
  auditUnavailable: [...DELETES, 'executeRetention'],
  outcomeUnknown: DELETES,
  // The cluster.
  tooManyRequests: DECIDED,
  unsuitableMapping: QUERIES,
  unusableContainer: DECIDED,
  upstreamUnavailable: 'every',
  upstreamRefusedGateway: DECIDED,
  upstreamMasked: DECIDED,
  upstreamInvalid: DECIDED,
  upstreamTimeout: 'every',
  circuitOpen: DECIDED,
  indicesUnknown: GUARDED,
}
