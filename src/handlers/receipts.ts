/** Signs what was deleted. */
export interface Receipts {
  /** @returns a compact JWS; `undefined` where it could not be made, which ends no delete */
  sign(statement: Readonly<Record<string, unknown>>): Promise<string | undefined>
  /** Whether ids are told as they are, or as their SHA-256. */
  readonly ids: 'plain' | 'hashed'
}
