import type { Route } from '../core/route.ts'
import type { Result } from '../wire/answer.ts'
import type { HandlerParts } from './exchange.ts'
import { allowed } from './work.ts'
import type { Work } from './work.ts'

/** Without a key there is nothing to verify. */
export function keySetOf({ receiptKeys }: Pick<HandlerParts, 'receiptKeys'>): Extract<Result, { kind: 'receiptKeys' }> {
  return { kind: 'receiptKeys', text: receiptKeys ?? '{"keys":[]}\n' }
}

/** `GET /.well-known/memory-gateway/jwks.json`. */
export const publishKeys: Work<Extract<Route, { kind: 'receiptKeys' }>> = {
  handle: (parts) => keySetOf(parts),
  foresee: () => allowed(200, 'Everybody may read the public keys of receipts, also without a token'),
}
