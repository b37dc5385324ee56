import type { IssuerFacts, KeyFacts } from '../core/doctor/facts.ts'
import type { IssuerOptions } from './issuer.ts'
import { openKeySetSource } from './key-set-source.ts'
import { describeError } from './private-file.ts'
import { importVerificationKey, selectKey } from './verification-key.ts'
import type { JsonObject } from '../core/strict-json.ts'

/** Fetches an issuer's keys as the gateway would, and keeps none of them, nor a copy on disk. Never rejects. */
export async function inspectKeys(options: IssuerOptions, now: () => number = Date.now): Promise<IssuerFacts> {
  const { issuer, keys, cache, algorithms } = options
  const facts = { issuer, keys: [], error: undefined, clockAheadMs: undefined }
  if (keys.kind === 'secret') return { ...facts, source: undefined }
  let clockAheadMs: number | undefined
  let askedAt = now()
  const source = openKeySetSource(issuer, keys, cache, {
    onAsk: () => (askedAt = now()),
    onDate: (date) => {
      const said = Date.parse(date)
      // A Date is cut to its second, and was written somewhere between question and answer.
      if (!Number.isNaN(said)) clockAheadMs = said + 500 - (askedAt + now()) / 2
    },
  })
  try {
    const loaded = await source.load()
    const known = await Promise.all(loaded.map((key) => describeKey(key, algorithms)))
    return { ...facts, source: source.name, keys: known, clockAheadMs }
  } catch (error) {
    return { ...facts, source: source.name, error: describeError(error), clockAheadMs }
  } finally {
    source.close()
  }
}

async function describeKey(key: JsonObject, algorithms: readonly string[]): Promise<KeyFacts> {
  const { kid, kty } = key
  const usable = await Promise.all(
    algorithms.map(async (algorithm) => ((await verifies(key, algorithm)) ? [algorithm] : [])),
  )
  return { keyId: typeof kid === 'string' ? kid : undefined, type: String(kty), algorithms: usable.flat() }
}

async function verifies(key: JsonObject, algorithm: string): Promise<boolean> {
  try {
    if (selectKey([key], algorithm, undefined) === undefined) return false
    await importVerificationKey(key, algorithm)
    return true
  } catch {
    return false
  }
}
