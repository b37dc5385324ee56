/** What a scanner comes upon in a body, in the body's order, each at its line (the first is 1) where the body has lines. */
export type Finding =
  /** Index expressions as they stand in the body; an empty list, or an empty text, means all indices. */
  | { readonly kind: 'names'; readonly line: number | undefined; readonly indices: readonly string[] }
  /** A line, a document or a body that names no index, and so goes to those that the request names, or to all. */
  | { readonly kind: 'unnamed'; readonly line: number | undefined }
  /** Something in which any index may be named, unseen: `what` completes "the body holds ...". */
  | { readonly kind: 'hidden'; readonly line: number | undefined; readonly what: string }
  /** Cannot be read with certainty as the server reads it: `why` completes "the body ...". */
  | { readonly kind: 'unreadable'; readonly line: number | undefined; readonly why: string }
  /** Longer than the gateway holds: `bytes` at most. */
  | { readonly kind: 'tooLong'; readonly line: number | undefined; readonly bytes: number }

/**
 * Reads one body as it streams, cut anywhere. After a finding that ends the request nothing more needs to be given to it; what it holds is bounded.
 * An index is reported where it is first named, so that a body of a million lines for one index is one finding.
 */
export interface BodyScanner {
  push(bytes: Uint8Array): readonly Finding[]
  /** The body has come to its end. */
  end(): readonly Finding[]
}

/** What a scanner holds at most, in bytes. */
export interface ScanLimits {
  /** Longest body of one JSON value, and longest search in a body of several. */
  readonly searchBytes: number
  /** Longest line of metadata in a bulk or multi-search body: ids have 512 bytes at most, index names 255. */
  readonly lineBytes: number
}

/** As the operator set them. */
export interface BodyLimits extends ScanLimits {
  /** What a compressed body may come to, in bytes. */
  readonly inflatedBytes: number
}
