import type { BodyScanner, Finding, ScanLimits } from './finding.ts'
import { FirstNamings } from './first-namings.ts'
import { HeldBytes } from './held-bytes.ts'
import { findInIds } from './named-in-ids.ts'
import { findInMget } from './named-in-mget.ts'
import { findInQuery, hasPointInTime } from './named-in-query.ts'
import { parsePlainJson } from './plain-json.ts'

/** What a body that is one JSON value names, given its value. */
type Find = (value: unknown, namings: FirstNamings) => readonly Finding[]

/** Reads a `_mget` body. */
export function scanMget(limits: ScanLimits): BodyScanner {
  return scanHeld(limits, findInMget)
}

/** Reads a body that says which scrolls or points in time are to end. */
export function scanIds(limits: ScanLimits): BodyScanner {
  return scanHeld(limits, findInIds)
}

/** Reads the body of a search, or of anything else that takes a query. */
export function scanQuery(api: string, limits: ScanLimits): BodyScanner {
  return scanHeld(limits, (value, namings) => {
    const found = findInQuery(value, undefined, namings)
    // Its documents name their indices themselves; one that does not is refused by the server where the path has none.
    const isNamed = api === 'mtermvectors' ? found.length > 0 : api === 'search' && hasPointInTime(value)
    return isNamed ? found : [...namings.unnamed(undefined), ...found]
  })
}

/** Holds the body until it is whole: it cannot be told earlier what a JSON value means. */
function scanHeld({ searchBytes }: ScanLimits, find: Find): BodyScanner {
  const held = new HeldBytes(searchBytes)
  let isCutShort = false
  return {
    push(bytes) {
      if (isCutShort || held.add(bytes)) return []
      isCutShort = true
      return [{ kind: 'tooLong', line: undefined, bytes: searchBytes }]
    },
    end() {
      if (isCutShort) return []
      const json = parsePlainJson(held.take())
      if (json.kind === 'unreadable') return [{ ...json, line: undefined }]
      const namings = new FirstNamings()
      return json.kind === 'empty' ? namings.unnamed(undefined) : find(json.value, namings)
    },
  }
}
