/** A body before it is written: plain data, keys in their order. `bigint` for the cluster's long numbers. */
export type Body =
  string | number | bigint | boolean | null | Decimal | readonly Body[] | { readonly [key: string]: Body }

declare const brand: unique symbol
const decimals = new WeakMap<Decimal, string>()

/** A number whose text matters: `-1.0` is what the server writes, and no number of JavaScript's says so. */
export interface Decimal {
  readonly [brand]: true
}

export function decimal(text: string): Decimal {
  const made = Object.freeze({}) as Decimal
  decimals.set(made, text)
  return made
}

/** The text of a {@link Decimal}; `undefined` for anything else. */
export function decimalText(body: Body): string | undefined {
  return typeof body === 'object' && body !== null ? decimals.get(body as Decimal) : undefined
}

export function isList(body: Body): body is readonly Body[] {
  return Array.isArray(body)
}

export function isObject(body: Body): body is { readonly [key: string]: Body } {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && decimalText(body) === undefined
}
