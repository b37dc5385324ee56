import type { IssuerFacts, KeyFacts, TrustedKeys } from '../core/doctor/facts.ts'
import { fingerprintOfJwk, fingerprintOfPem } from './fingerprint.ts'
import type { IssuerOptions, KeyCacheOptions } from './issuer.ts'
import { openForeignKeySource, openKeySetSource } from './key-set-source.ts'
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

/** The fingerprints of the keys by which a cluster reads tokens. @returns `undefined` where one of them is a secret, or they cannot be had. Never rejects */
export async function inspectTrustedKeys(
  trusted: TrustedKeys,
  cache: KeyCacheOptions,
): Promise<readonly string[] | undefined> {
  if (trusted.kind === 'given') return allOf(trusted.texts.map(fingerprintOfPem))
  const source = openForeignKeySource(trusted, cache)
  try {
    return allOf((await source.load()).map(fingerprintOfJwk))
  } catch {
    return undefined
  } finally {
    source.close()
  }
}

function allOf(fingerprints: readonly (string | undefined)[]): readonly string[] | undefined {
  const known = fingerprints.filter((one) => one !== undefined)
  return known.length === fingerprints.length ? known : undefined
}

async function describeKey(key: JsonObject, algorithms: readonly string[]): Promise<KeyFacts> {
  const { kid, kty } = key
  const usable = await Promise.all(
    algorithms.map(async (algorithm) => ((await verifies(key, algorithm)) ? [algorithm] : [])),
  )
  const keyId = typeof kid === 'string' ? kid : undefined
  return { keyId, type: String(kty), algorithms: usable.flat(), fingerprint: fingerprintOfJwk(key) }
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
