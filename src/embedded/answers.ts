import { renderError, StoreError } from './errors.ts'
import { filterAnswer } from './filter-path.ts'
import type { Json } from './json-values.ts'
import { fields, isJsonObject } from './json-values.ts'
import { writeCompact, writePretty } from './json-writer.ts'
import { Parameters, parseQuery } from './parameters.ts'
import type { StoreAnswer, StoreRequest } from './requests.ts'
import { route } from './routes.ts'
import { withoutRawText } from './source-filter.ts'

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string
  /** Raw request target. */
  readonly target: string
  /** Every `Content-Type` header. */
  readonly contentTypes: readonly string[]
  readonly body: Buffer
}

/** An answer as it goes over the wire. */
export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Layout {
  readonly pretty: boolean | undefined
  readonly filterPath: string
}

const ONE_LINE: Layout = { pretty: undefined, filterPath: '' }

/** Answers a request, whatever it is: an error of the store becomes the answer that the server would give. */
export async function answerRequest(
  wire: WireRequest,
  context: Pick<StoreRequest, 'store' | 'version'>,
): Promise<WireAnswer> {
  let layout = ONE_LINE
  try {
    const { path, query } = splitTarget(wire.target)
    const parameters = new Parameters(parseQuery(query))
    checkContentTypeHeader(wire.contentTypes)
    layout = readLayout(parameters)
    return await dispatch(wire, path, parameters, layout, context)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const body = fields({ error: renderError(error.error), status: error.status })
    return render({ status: error.status, body }, { ...layout, filterPath: '' })
  }
}

function readLayout(parameters: Parameters): Layout {
  parameters.flag('human', false)
  parameters.flag('error_trace', false)
  refuseFormat(parameters.text('format'))
  const pretty = parameters.has('pretty') ? parameters.flag('pretty', false) : undefined
  parameters.ignore('pretty')
  return { pretty, filterPath: parameters.text('filter_path') ?? '' }
}

function refuseFormat(format: string | undefined): void {
  if (format === undefined || format === 'json') return
  const reason = `The embedded store answers JSON only, not [${format}]`
  throw new StoreError(400, { type: 'illegal_argument_exception', reason })
}

/** Path and query of a target. What follows a `#` is dropped, and so is what the server takes for a host: `//host/path`. */
function splitTarget(target: string): { path: string; query: string } {
  const [withoutFragment = ''] = target.split('#', 1)
  const at = withoutFragment.indexOf('?')
  const path = at === -1 ? withoutFragment : withoutFragment.slice(0, at)
  const query = at === -1 ? '' : withoutFragment.slice(at + 1)
  return { path: (path.startsWith('//') ? path.replace(/^\/\/[^/]*/, '') : path) || '/', query }
}

async function dispatch(
  wire: WireRequest,
  path: string,
  parameters: Parameters,
  layout: Layout,
  context: Pick<StoreRequest, 'store' | 'version'>,
): Promise<WireAnswer> {
  const routing = route(wire.method, path)
  if (wire.method === 'OPTIONS') return answerOptions('allowed' in routing ? routing.allowed : undefined)
  switch (routing.kind) {
    case 'noRoute': {
      const error = `no handler found for uri [${decodePath(path)}] and method [${wire.method}]`
      return render({ status: 400, body: fields({ error }) }, { ...layout, filterPath: '' })
    }
    case 'undecodable':
      return refuseMethod('Unexpected HTTP method', routing.allowed, layout)
    case 'wrongMethod':
      return refuseMethod(
        `Incorrect HTTP method for uri [${wire.target}] and method [${wire.method}]`,
        routing.allowed,
        layout,
      )
    case 'found': {
      if (wire.body.length > 0 && !isSupportedType(wire.contentTypes[0])) return refuseContentType(wire, layout)
      for (const [name, value] of routing.bindings) parameters.bind(name, value)
      const run = routing.handler({ ...context, parameters, body: wire.body })
      parameters.refuseUnknown(decodePath(path))
      return render(await run(), layout)
    }
  }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function answerOptions(allowed: readonly string[] | undefined): WireAnswer {
  const headers = { ...(allowed && { Allow: allowed.join() }), 'content-type': 'text/plain; charset=UTF-8' }
  return { status: 200, headers, body: '' }
}

function refuseMethod(complaint: string, allowed: readonly string[], layout: Layout): WireAnswer {
  const body = fields({ error: `${complaint}, allowed: [${allowed.join(', ')}]`, status: 405 })
  return render({ status: 405, body, headers: { Allow: allowed.join() } }, { ...layout, filterPath: '' })
}

const SUPPORTED_TYPE = /^application\/(?:(?:vnd\.opensearch\+)?json|(?:vnd\.opensearch\+)?x-ndjson)\s*(?:;|$)/i

function isSupportedType(type: string | undefined): boolean {
  return type !== undefined && SUPPORTED_TYPE.test(type.trim())
}

function checkContentTypeHeader(types: readonly string[]): void {
  if (types.length > 1) throw contentTypeFailure('only one Content-Type header should be provided')
  const [type] = types
  if (type === undefined || /^[^\s/;]+\/[^\s/;]+\s*(?:;.*)?$/.test(type.trim())) return
  throw contentTypeFailure(`invalid Content-Type header [${type}]`)
}

function contentTypeFailure(complaint: string): StoreError {
  const causedBy = { type: 'illegal_argument_exception', reason: complaint }
  const reason = `java.lang.IllegalArgumentException: ${complaint}`
  return new StoreError(400, { type: 'content_type_header_exception', reason, causedBy })
}

function refuseContentType(wire: WireRequest, layout: Layout): WireAnswer {
  const error = `Content-Type header [${wire.contentTypes[0] ?? ''}] is not supported`
  return render({ status: 406, body: fields({ error, status: 406 }) }, { ...layout, filterPath: '' })
}

function render(answer: StoreAnswer, layout: Layout): WireAnswer {
  const { status, body, headers, prettyByDefault = false } = answer
  const text = write(body, layout.pretty ?? prettyByDefault, layout.filterPath)
  return { status, headers: { ...headers, 'content-type': 'application/json; charset=UTF-8' }, body: text }
}

function write(body: Json, pretty: boolean, filterPath: string): string {
  if (!pretty && filterPath === '') return writeCompact(body)
  const read = withoutRawText(body)
  const filtered = filterPath !== '' && isJsonObject(read) ? filterAnswer(read, filterPath) : read
  return pretty ? `${writePretty(filtered)}\n` : writeCompact(filtered)
}
