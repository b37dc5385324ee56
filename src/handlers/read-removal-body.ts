import { createHash } from 'node:crypto'

import { HeldBytes } from '../core/guard/bodies/held-bytes.ts'
import { searchMember } from '../core/guard/bodies/member-search.ts'
import { parsePlainJson } from '../core/guard/bodies/plain-json.ts'
import type { Named } from '../core/guard/named-indices.ts'
import type { ToldByBody } from '../core/guard/removal.ts'
import { isJsonObject, member } from '../core/strict-json.ts'
import type { BodyWatch } from './forward-inspected.ts'

/** What the body of a request says of what it removes. */
export interface RemovalBody extends Pick<BodyWatch, 'take' | 'onUnread'> {
  /** Once it is whole; `undefined` where nothing is removed. */
  told(): ToldOfRemoval | undefined
}

interface ToldOfRemoval {
  /** Where, if not by the path. */
  readonly named?: Named
  /** SHA-256 of its bytes, inflated. */
  readonly queryHash?: string
}

const ANY: Named = { kind: 'all', byAbsence: true }

/** @param maxBytes that are held of a body that has to be read as a whole */
export function openRemovalBody(inBody: Exclude<ToldByBody, 'lines'>, maxBytes: number): RemovalBody {
  switch (inBody) {
    case 'query':
      return hashed(() => ({}))
    case 'script':
      return searched()
    case 'destination': {
      const held = new HeldBytes(maxBytes)
      let isHeld = true
      const find = (isUnread: boolean) => (isHeld && !isUnread ? destinationIn(held.take()) : { named: ANY })
      return hashed(find, (bytes) => void (isHeld &&= held.add(bytes)))
    }
  }
}

function hashed(
  find: (isUnread: boolean) => ToldOfRemoval | undefined,
  hold?: (bytes: Uint8Array) => void,
): RemovalBody {
  const hash = createHash('sha256')
  let isEmpty = true
  let isUnread = false
  return {
    take(bytes) {
      isEmpty = false
      hash.update(bytes)
      hold?.(bytes)
    },
    onUnread: () => void (isUnread = true),
    told() {
      const told = find(isUnread)
      return told === undefined || isEmpty || isUnread ? told : { ...told, queryHash: hash.digest('base64url') }
    },
  }
}

function searched(): RemovalBody {
  const search = searchMember('script')
  let isUnread = false
  return {
    take: (bytes) => search.push(bytes),
    onUnread: () => void (isUnread = true),
    told: () => (isUnread || search.mayHave() ? {} : undefined),
  }
}

/** Where a `_reindex` deletes; without a script it does not. */
function destinationIn(bytes: Uint8Array): ToldOfRemoval | undefined {
  const json = parsePlainJson(bytes)
  if (json.kind === 'empty') return undefined
  if (json.kind === 'unreadable' || !isJsonObject(json.value)) return { named: ANY }
  if (!Object.hasOwn(json.value, 'script')) return undefined
  const destination = member(json.value, 'dest')
  const index = isJsonObject(destination) ? member(destination, 'index') : undefined
  return { named: typeof index === 'string' ? { kind: 'list', expressions: [index] } : ANY }
}
