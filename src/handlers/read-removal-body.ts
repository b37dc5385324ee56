import { createHash } from 'node:crypto'

import { HeldBytes } from '../core/guard/bodies/held-bytes.ts'
import { searchMember } from '../core/guard/bodies/member-search.ts'
import { parsePlainJson } from '../core/guard/bodies/plain-json.ts'
import { readExpressions } from '../core/guard/named-indices.ts'
import type { Named } from '../core/guard/named-indices.ts'
import type { ToldByBody } from '../core/guard/removal.ts'
import { isJsonObject, member } from '../core/strict-json.ts'
import type { JsonObject } from '../core/strict-json.ts'
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
    case 'destination':
      return held(maxBytes, destinationIn)
    case 'actions':
      return held(maxBytes, removedIn)
  }
}

/** A body that is larger may be anything. */
function held(maxBytes: number, read: (body: JsonObject) => ToldOfRemoval | undefined): RemovalBody {
  const bytes = new HeldBytes(maxBytes)
  let isHeld = true
  const find = (isUnread: boolean): ToldOfRemoval | undefined => {
    if (!isHeld || isUnread) return { named: ANY }
    const json = parsePlainJson(bytes.take())
    if (json.kind === 'empty') return undefined
    return json.kind === 'unreadable' || !isJsonObject(json.value) ? { named: ANY } : read(json.value)
  }
  return hashed(find, (part) => void (isHeld &&= bytes.add(part)))
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
function destinationIn(body: JsonObject): ToldOfRemoval | undefined {
  if (!Object.hasOwn(body, 'script')) return undefined
  const destination = member(body, 'dest')
  const index = isJsonObject(destination) ? member(destination, 'index') : undefined
  return { named: typeof index === 'string' ? { kind: 'list', expressions: [index] } : ANY }
}

/** The indices that a change of aliases removes as a whole (`remove_index`, IndicesAliasesRequest of OpenSearch 3.4.0). */
function removedIn(body: JsonObject): ToldOfRemoval | undefined {
  const actions = member(body, 'actions')
  if (!Array.isArray(actions)) return { named: ANY }
  const texts: string[] = []
  for (const action of actions as readonly unknown[]) {
    if (!isJsonObject(action)) return { named: ANY }
    if (!Object.hasOwn(action, 'remove_index')) continue
    const removed = member(action, 'remove_index')
    const { index, indices } = isJsonObject(removed) ? removed : {}
    const named = [index, indices].flat().filter((one) => one !== undefined)
    if (named.length === 0 || !named.every((one) => typeof one === 'string')) return { named: ANY }
    texts.push(...named)
  }
  return texts.length === 0 ? undefined : { named: readExpressions(texts) }
}
