import { plainCluster } from '../support/clusters.ts'

// The gateway writes as 2.19 to 3.6 do (measured on 2.19.4, 3.4.0 and 3.6.0). 3.8.0 writes characters beyond the basic plane as they are where those
// write two escapes, the same JSON, and folds YAML otherwise around them. 3.5 and 3.7 could not be measured.

const [major = 0, minor = 0] = plainCluster().version.split('.').map(Number)

/** Whether the server of this run writes such characters as the gateway does. */
export const writesAsTheGateway = major < 3 || (major === 3 && minor < 7)

/** A JSON text of the server's with those characters as the gateway writes them. */
export function asTheGatewayWrites(json: string): string {
  if (writesAsTheGateway) return json
  return json.replaceAll(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`)
}
