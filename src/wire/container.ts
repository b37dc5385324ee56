import type { ContainerOutcome } from '../core/delete-container.ts'
import { receiptBody, statusException } from './opensearch.ts'
import type { Words } from './opensearch.ts'

/** How the ml-commons plugin words what came of a container's delete (transcripts of 3.4.0). */
export function wordContainerOutcome(outcome: ContainerOutcome): Words {
  switch (outcome.kind) {
    case 'containerDeleted':
      return { status: 200, body: receiptBody(outcome.receipt), isError: false }
    case 'containerNotFound':
      return statusException(404, 'Memory container not found')
    case 'notTheContainersOwner':
      return statusException(403, 'Only container owner can delete container')
    case 'sharedIndices':
      return statusException(
        409,
        `Cannot delete memory indices as multiple containers share the index prefix '${outcome.indexPrefix}'. ` +
          'Please delete the container without index deletion, or use delete_by_query API for data cleanup.',
      )
  }
}
