import { isDeepStrictEqual } from 'node:util'

import { keepParts } from '../core/kept-parts.ts'
import type { Held, KeptParts } from '../core/kept-parts.ts'
import type { Principal } from '../core/principal.ts'
import type { AuthEvent, IssuerOptions } from './issuer.ts'
import { FetchedKeySet } from './key-set.ts'
import type { KeySet } from './key-set.ts'
import { openKeySetSource } from './key-set-source.ts'
import { rememberTokens } from './remembered-tokens.ts'
import type { RememberedTokens } from './remembered-tokens.ts'
import { secretKeySet } from './secret-key.ts'
import { normalizeType } from './token-type.ts'

/** An issuer as long as nothing about it changes: what was verified by its rules counts as long as it is the same object. */
export interface Issuer {
  readonly options: IssuerOptions
  readonly types: readonly string[]
  readonly keys: KeySet
  readonly foreignPrefixes: readonly string[]
  /** Fetches its keys, once; see `KeySet`. */
  start(): Promise<void>
}

/** What outlives one set of issuers: their keys, verified tokens, and counts. */
export interface AuthMemory {
  readonly issuers: KeptParts<IssuerSettings, Issuer>
  readonly tokens: RememberedTokens<Issuer>
  readonly counts: { remembered: number; verified: number }
  /** Whether a token is refused though it is good otherwise; asked for each request. */
  isRevoked: (principal: Principal) => boolean
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface IssuerSettings {
  readonly options: IssuerOptions
  /** Prefixes of others, which this issuer's names must not begin with. */
  readonly foreignPrefixes: readonly string[]
}

/** @param now milliseconds since 1970 */
export function openAuthMemory(now: () => number, onEvent: (event: AuthEvent) => void): AuthMemory {
  // Other rules for the tokens of an issuer are no reason to fetch its keys anew.
  const keySets = keepParts<Pick<IssuerOptions, 'issuer' | 'keys' | 'cache'>, StartedOnce>({
    isEqual: isDeepStrictEqual,
    open: (options) => startOnce(openKeySet(options, now, onEvent)),
    close: ({ keys }) => keys.close(),
  })
  const issuers = keepParts<IssuerSettings, Issuer & { readonly held: Held<StartedOnce> }>({
    isEqual: isDeepStrictEqual,
    open({ options, foreignPrefixes }) {
      const { issuer, keys, cache } = options
      const held = keySets.hold({ issuer, keys, cache })
      return { options, foreignPrefixes, types: options.types.map(normalizeType), held, ...held.part }
    },
    close: ({ held }) => void held.release(),
  })
  return { issuers, tokens: rememberTokens(), counts: { remembered: 0, verified: 0 }, isRevoked: () => false, now }
}

interface StartedOnce {
  readonly keys: KeySet
  start(): Promise<void>
}

function startOnce(keys: KeySet): StartedOnce {
  let started: Promise<void> | undefined
  return { keys, start: () => (started ??= keys.start()) }
}

function openKeySet(
  { issuer, keys, cache }: Pick<IssuerOptions, 'issuer' | 'keys' | 'cache'>,
  now: () => number,
  onEvent: (event: AuthEvent) => void,
): KeySet {
  if (keys.kind === 'secret') return secretKeySet(issuer, keys.secret, now)
  return new FetchedKeySet({ issuer: { issuer, cache }, source: openKeySetSource(issuer, keys, cache), now, onEvent })
}
