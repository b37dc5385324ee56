/** One row of the ops port's table. */
export interface OpsRoute {
  /** A GET changes nothing and answers HEAD too. Every other method takes JSON: what a page of another origin may send without a preflight is never that. */
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** For probes and metrics alone: whoever reaches the port may ask. All else is the operator's, see `refuseOps`. */
  readonly isOpen?: true
  /** Never called before its caller, its method and its content type were found good. What it throws is a 500, and a line in the log. */
  readonly answer: (asked: OpsRequest) => OpsAnswer | Promise<OpsAnswer>
}

export interface OpsRequest {
  readonly query: URLSearchParams
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
