/** A query (and headers) for the delete of one document, asked of the server itself and of the gateway. */
export interface ParameterCase {
  readonly name: string
  /** With its question mark, as it is sent. */
  readonly query: string
  readonly headers?: Readonly<Record<string, string>>
  /** Where the gateway answers otherwise on purpose: its status, what its body holds, and why. */
  readonly differs?: { readonly status: number; readonly reason: string; readonly why: string }
}

export function parameters(name: string, query: string, headers?: Readonly<Record<string, string>>): ParameterCase {
  return { name, query, ...(headers === undefined ? {} : { headers }) }
}

export function deviation(
  name: string,
  query: string,
  differs: NonNullable<ParameterCase['differs']>,
  headers?: Readonly<Record<string, string>>,
): ParameterCase {
  return { ...parameters(name, query, headers), differs }
}
