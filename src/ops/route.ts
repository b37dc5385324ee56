/** One row of the ops port's table. */
export interface OpsRoute {
  /** A GET changes nothing and answers HEAD too. Every other method takes JSON: what a page of another origin may send without a preflight is never that. */
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** `{name}` stands for one segment, of letters, digits, `-` and `_`, or for one before an ending, as in `{name}.js`. */
  readonly path: string
  /** For probes, metrics and what everybody may read who has this package: whoever reaches the port may ask. All else is the operator's, see `refuseOps`. */
  readonly isOpen?: true
  /** Never called before its caller, its method and its content type were found good. What it throws is a 500, and a line in the log. */
  readonly answer: (asked: OpsRequest) => OpsAnswer | Promise<OpsAnswer>
}

export interface OpsRequest {
  readonly query: URLSearchParams
  /** What stands for the names of the row's path. */
  readonly params: Readonly<Record<string, string>>
  /** The body, parsed; `undefined` where there was none. */
  readonly json: unknown
}

export interface OpsAnswer {
  readonly status: number
  /** Written as JSON, unless `contentType` says that it is text already. */
  readonly body: unknown
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const failed = (status: number, error: string): OpsAnswer => ({ status, body: { error } })

/** @returns what a path has in place of the names of a row's path; `undefined` where it is not that row's */
export function paramsOf(template: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = template.split('/')
  const given = path.split('/')
  if (given.length !== wanted.length) return undefined
  const params: Record<string, string> = {}
  for (const [position, segment] of wanted.entries()) {
    const text = given[position] ?? ''
    const [, name, ending = ''] = /^\{(\w+)\}(\.\w+)?$/.exec(segment) ?? []
    const value = text.endsWith(ending) ? text.slice(0, text.length - ending.length) : ''
    if (name === undefined ? text !== segment : !/^[\w-]{1,128}$/.test(value)) return undefined
    if (name !== undefined) params[name] = value
  }
  return params
}
