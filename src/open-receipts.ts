import { CHECKPOINT_TYPE, openReceiptKeys, RECEIPT_TYPE, statementId } from './auth/receipt-keys.ts'
import type { ConfigFile } from './config/schema.ts'
import type { ChainStatement } from './core/audit/chain.ts'
import type { Receipts } from './handlers/receipts.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'

/** What the keys of a configuration are for. */
export interface OpenReceipts {
  /** Absent where receipts are off. */
  readonly receipts: Receipts | undefined
  /** The public keys, as JSON. */
  readonly jwks: string
  /** Signs where a chain of the audit stands. */
  signChain(statement: ChainStatement): Promise<string>
}

/** @returns `undefined` where there is no key */
export async function openReceipts(
  { mode, keys: texts, ids, issuer }: ConfigFile['receipts'],
  log: Log,
  metrics: Pick<Metrics, 'receipt'>,
): Promise<OpenReceipts | undefined> {
  if (texts.length === 0) return undefined
  const keys = await openReceiptKeys(texts)
  const now = (): number => Math.floor(Date.now() / 1000)
  const receipts: Receipts = {
    ids,
    async sign(statement) {
      try {
        const signed = await keys.sign(RECEIPT_TYPE, { iss: issuer, iat: now(), jti: statementId(), ...statement })
        metrics.receipt('signed')
        return signed
      } catch (error) {
        // The memory is gone by now: nobody is told otherwise.
        metrics.receipt('failed')
        log.warn('a receipt could not be signed', { why: String(error) })
        return undefined
      }
    },
  }
  return {
    receipts: mode === 'on' ? receipts : undefined,
    jwks: `${JSON.stringify(keys.jwks)}\n`,
    signChain: (statement) => keys.sign(CHECKPOINT_TYPE, { iss: issuer, iat: now(), ...statement }),
  }
}
