import type { BulkOutcome } from '../core/delete-memories.ts'
import type { DeleteOutcome } from '../core/delete-memory.ts'
import type { GatewayError } from '../core/failure.ts'
import type { Words } from './opensearch.ts'

/** How MemoryPlugin's small API words the outcome of a delete. An id that names nothing is 404, or 200 where the operator wants deletes idempotent. */
export function wordLegacyOutcome(outcome: DeleteOutcome, missing: 200 | 404): Words {
  switch (outcome.kind) {
    case 'deleted':
      return DELETED
    case 'containerNotFound':
    case 'indexNotFound':
    case 'indexMissing':
    case 'memoryNotFound':
      return missing === 200 ? DELETED : wordLegacyError(404, 'Memory not found')
    case 'denied':
      return wordLegacyError(403, 'Forbidden')
  }
}

const DELETED: Words = { status: 200, body: { message: 'Memory deleted' }, isError: false }

/** The API's answer to a delete of several memories. */
export function wordBulkOutcome({ deleted, failed }: BulkOutcome): Words {
  return { status: 200, body: { deleted, failed }, isError: false }
}

export function wordLegacyFailure(error: GatewayError): Words {
  switch (error.status) {
    case 401:
      return wordLegacyError(401, 'Unauthorized')
    case 403:
      return wordLegacyError(403, 'Forbidden')
    case 413:
      return wordLegacyError(413, 'Payload too large')
    case 429:
      return wordLegacyError(429, 'Too many requests')
    default:
      return wordLegacyError(error.status, error.message)
  }
}

/** The API's `ErrorResponse`. */
export function wordLegacyError(status: number, error: string): Words {
  return { status, body: { error }, isError: true }
}
