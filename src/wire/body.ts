/** A body before it is written: plain data, keys in their order. `bigint` for the cluster's long numbers. */
export type Body = string | number | bigint | boolean | null | readonly Body[] | { readonly [key: string]: Body }

export function isList(body: Body): body is readonly Body[] {
  return Array.isArray(body)
}

export function isObject(body: Body): body is { readonly [key: string]: Body } {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}
