import type { Scope } from '../principal.ts'

/** What an API of the server does, as the default rules see it. */
export type RouteClass = 'read' | 'write' | 'admin'

/**
 * What a request may carry as a body. `none` and `opaque` (a document, settings) name no index that the server would act on; the others are
 * grammars of their own, whose indices have to be read out of the body. In `ids`, of scrolls and points in time, `_all` means those of everybody.
 */
export type BodyKind = 'none' | 'opaque' | 'bulk' | 'ids' | 'mget' | 'msearch' | 'msearchTemplate' | 'query'

export type InspectedBody = Exclude<BodyKind, 'none' | 'opaque'>

/** Why a request may not run, in words for its caller. */
export interface Refusal {
  readonly kind: 'refuse'
  readonly cause:
    | 'missingScope'
    | 'noRule'
    /** A rule without scopes: nobody may. */
    | 'closedByRule'
    /** The request names, or may reach, an index that holds memories or system data. */
    | 'protectedIndex'
    /** What the request would reach cannot be told. */
    | 'unclear'
  readonly reason: string
  /** The scope that would do. */
  readonly scope: Scope | (string & {}) | undefined
  /** The position of the rule that refuses, from 0: for a part of a body it may be another than for the rest. */
  readonly rule?: number
}

/**
 * How a body has to be inspected before, or while, it goes on.
 * The verdict on a body is: every list of indices that it names is judged, and what names none gets `unnamed`.
 */
export interface BodyCheck {
  readonly kind: InspectedBody
  /** The API's name in the server's specification, as in `search`, `termvectors` or `delete_by_query`. */
  readonly api: string
  readonly class: RouteClass
  /**
   * What becomes of a line, or a document, or a whole body that names no index of its own (for a search: no point in time either): `undefined` where the path
   * names indices, which are judged already; else the refusal for all indices, where the caller may not use those.
   */
  readonly unnamed: Refusal | undefined
  /**
   * Judges index expressions as they stand in a body: names, comma lists, wildcards; an empty list, or an empty text, means all indices.
   * Answers at once but where the table of the cluster's indices has to be read anew.
   * @throws GatewayError indicesUnknown (the promise): the table cannot be had
   */
  readonly judge: (expressions: readonly string[]) => Refusal | undefined | Promise<Refusal | undefined>
  /** The refusal for a body that cannot be read exactly as the server reads it; `undefined` where the guard only observes. */
  readonly unclear: (reason: string) => Refusal | undefined
}
