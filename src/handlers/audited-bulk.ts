import type { Removal } from '../core/guard/removal.ts'
import type { Audit } from './audit-trail.ts'
import { openBulkIntents, refusedBy } from './bulk-intents.ts'
import { openBulkOutcomes } from './bulk-outcomes.ts'
import type { Admitted } from './exchange.ts'
import type { BulkWatch, Watches } from './forward-inspected.ts'
import type { Guard } from './guard-settings.ts'

/**
 * Sends on a `_bulk`, with a record of each line that deletes what the guard protects: its intent is written before the last part of the body goes out, since
 * the server runs a bulk only when it has all of it, and its outcome is read from the answer as that goes back.
 */
export async function forwardBulk(
  audit: Audit,
  guard: Guard,
  exchange: Admitted,
  removal: Removal,
  forward: (watches: Watches) => Promise<unknown>,
): Promise<void> {
  const outcomes = openBulkOutcomes()
  const intents = openBulkIntents({ audit, guard, exchange, removal, onIntended: outcomes.expect })
  let isSent = false
  const watch: BulkWatch = {
    onAction: intents.add,
    afterPart: intents.recordMany,
    onUnread: intents.stopReading,
    async beforeEnd() {
      await intents.recordAll()
      isSent = true
    },
  }
  try {
    await forward({ answer: outcomes.watch, bulk: watch })
    await outcomes.end(exchange.response, isSent)
  } catch (error) {
    outcomes.endAll((trail) => (isSent ? trail.fail(error) : trail.end(refusedBy(error))))
    await intents.refuse(error)
    throw error
  }
}
