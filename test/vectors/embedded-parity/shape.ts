/** One request of a case. `{index}` in the target, the headers or the body stands for the case's own fresh index. */
export interface ParityRequest {
  readonly method: string
  /** Raw request target, sent as it is written. */
  readonly target: string
  readonly body: string | undefined
  /** Names and values in turn, so that a header can be sent twice. */
  readonly headers: readonly string[]
}

/** Requests that are run in order on a fresh index name of both servers, which must give the same answers. */
export interface ParityCase {
  readonly name: string
  readonly requests: readonly ParityRequest[]
}

export const JSON_TYPE = ['content-type', 'application/json'] as const
const NDJSON_TYPE = ['content-type', 'application/x-ndjson'] as const

/** `PUT /x` and an optional JSON body. */
export function call(
  line: string,
  body?: string,
  headers: readonly string[] = body === undefined ? [] : JSON_TYPE,
): ParityRequest {
  const space = line.indexOf(' ')
  return { method: line.slice(0, space), target: line.slice(space + 1), body, headers }
}

/** A `_bulk` of the given lines, each ended by a newline. */
export function bulk(target: string, ...lines: readonly string[]): ParityRequest {
  return call(`POST ${target}`, lines.map((line) => `${line}\n`).join(''), NDJSON_TYPE)
}

export function parityCase(name: string, ...requests: readonly ParityRequest[]): ParityCase {
  return { name, requests }
}

/** An index without replicas that is refreshed on request only, so that no answer depends on the clock. */
export const quietIndex = call(
  'PUT /{index}',
  '{"settings":{"number_of_replicas":0,"refresh_interval":"-1"},"mappings":{"properties":{"tag":{"type":"keyword"}}}}',
)
