import type { Refusal } from '../core/decide.ts'
import type { DeleteOutcome, DeleteReceipt } from '../core/delete-memory.ts'
import { FAILURES } from '../core/failure.ts'
import type { GatewayError } from '../core/failure.ts'
import type { Body } from './body.ts'

/** A status and a body, not yet written. Errors are not filtered by `filter_path`, in the server as here. */
export interface Words {
  readonly status: number
  readonly body: Body
  readonly isError: boolean
}

/** How OpenSearch's ml-commons plugin words the outcome of a delete (transcripts of 3.4.0). */
export function wordOutcome(outcome: DeleteOutcome): Words {
  if (outcome.kind === 'deleted') return { status: 200, body: receiptBody(outcome.receipt), isError: false }
  return wordRefusal(outcome, 'deleteMemory', '')
}

/** How it words why something was not done. */
export function wordRefusal(refusal: Refusal, work: keyof typeof DENIED, containerId: string): Words {
  switch (refusal.kind) {
    case 'containerNotFound':
      return statusException(404, work === 'getContainer' ? `${NO_SUCH_CONTAINER}: ${containerId}` : NO_CONTAINER)
    case 'indexNotFound':
      return statusException(404, 'Memory index not found')
    case 'indexMissing':
      return indexMissing(refusal.index)
    case 'memoryNotFound':
      return statusException(404, 'Memory not found')
    case 'denied':
      return statusException(403, DENIED[work][refusal.by])
  }
}

const NO_CONTAINER = 'Memory container not found'
const NO_SUCH_CONTAINER = 'Failed to find memory container with the provided memory container id'

const MAY_NOT = "User doesn't have permissions to"
const MAY_NOT_ADD = `${MAY_NOT} add memory to this container`
const MAY_NOT_SEARCH = `${MAY_NOT} search memories in this container`
const MAY_NOT_UPDATE = `${MAY_NOT} update memories in this container`
const MAY_NOT_USE = "User doesn't have privilege to perform this operation on this memory container"

/** By what was refused, and then by whom it was refused: the container, or the memory's owner. */
export const DENIED = {
  deleteMemory: {
    container: `${MAY_NOT} delete memories in this container`,
    owner: `${MAY_NOT} delete this memory`,
  },
  getMemory: { container: `${MAY_NOT} get memories in this container`, owner: `${MAY_NOT} get this memory` },
  updateMemory: { container: MAY_NOT_UPDATE, owner: `${MAY_NOT} update this memory` },
  searchMemories: { container: MAY_NOT_SEARCH, owner: MAY_NOT_SEARCH },
  addMemories: { container: MAY_NOT_ADD, owner: MAY_NOT_ADD },
  createSession: { container: MAY_NOT_ADD, owner: MAY_NOT_ADD },
  getContainer: { container: MAY_NOT_USE, owner: MAY_NOT_USE },
  updateContainer: { container: MAY_NOT_UPDATE, owner: MAY_NOT_UPDATE },
} as const

export function wordFailure(error: GatewayError): Words {
  // The server finds a content type out before anything else, and says it shorter.
  if (error.code === 'unsupportedContentType') {
    return { status: error.status, body: { error: error.message, status: error.status }, isError: true }
  }
  return errorWords(error.status, { type: FAILURES[error.code].type, reason: error.message })
}

/** The server's answer to a method that a path does not have (RestController). */
export function wordWrongMethod(method: string, uri: string, allow: readonly string[]): Words {
  const error = `Incorrect HTTP method for uri [${uri}] and method [${method}], allowed: [${allow.join(', ')}]`
  return { status: 405, body: { error, status: 405 }, isError: true }
}

/** The server's answer to a path that it does not know (RestController). */
export function wordNoHandler(method: string, path: string): Words {
  return { status: 400, body: { error: `no handler found for uri [${path}] and method [${method}]` }, isError: true }
}

export function receiptBody(receipt: DeleteReceipt): Body {
  return {
    _index: receipt.index,
    _id: receipt.memoryId,
    _version: receipt.version,
    result: 'deleted',
    ...(receipt.forcedRefresh ? { forced_refresh: true } : {}),
    _shards: receipt.shards as Body, // `failures` is JSON as the cluster sent it
    _seq_no: receipt.seqNo,
    _primary_term: receipt.primaryTerm,
  }
}

export function statusException(status: number, reason: string): Words {
  return errorWords(status, { type: 'status_exception', reason })
}

/** @param resourceType how the server calls what was named, which differs between its APIs */
export function indexMissing(index: string, resourceType = 'index_expression'): Words {
  return errorWords(404, {
    type: 'index_not_found_exception',
    reason: `no such index [${index}]`,
    index,
    'resource.id': index,
    'resource.type': resourceType,
    index_uuid: '_na_',
  })
}

function errorWords(status: number, cause: Readonly<Record<string, Body>>): Words {
  return { status, body: { error: { root_cause: [cause], ...cause }, status }, isError: true }
}
