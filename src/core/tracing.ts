/** What is said of a span: never a token, a memory's text, or a query. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** One of those that share a batch. */
export interface BatchMember {
  /** Its wait for a place is over. */
  left(): void
}

/**
 * Where the time of requests goes, for whoever collects it. What stands on it takes it as `Tracing | undefined`: nobody collects by default, and then
 * nothing must be made.
 */
export interface Tracing {
  /**
   * Runs the work of a request under a span of its own, the caller's trace going on where it named one.
   * @returns with what `work` returns; the span ends when `end` is called
   */
  request<Value>(arrived: ArrivedRequest, work: (end: (attributes: SpanAttributes) => void) => Value): Value
  /** Runs work under a span within the one under way. */
  within<Value>(name: string, work: () => Promise<Value>): Promise<Value>
  /** The same for what waits for a place in a batch first: that is a span `wait` within it. */
  queued<Value>(name: string, work: (member: BatchMember) => Promise<Value>): Promise<Value>
  /** A round trip that the members share: it goes on in the trace of the first of them, and is linked with those of the others. */
  batch<Value>(
    name: string,
    members: readonly BatchMember[],
    attributes: SpanAttributes,
    work: () => Promise<Value>,
  ): Promise<Value>
  /**
   * A request that is passed on.
   * @param work takes the headers with the span's own `traceparent`, and says the status in the end
   */
  forward(
    headers: readonly string[],
    attributes: SpanAttributes,
    work: (headers: readonly string[]) => Promise<number>,
  ): Promise<void>
  /** What tells the cluster of the span under way, if there is one. */
  outgoing(): Readonly<Record<string, string>>
}

export interface ArrivedRequest {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly httpVersion: string
  readonly requestId: string
  /** All headers of the name, as received. */
  readonly traceparents: readonly string[]
  readonly tracestates: readonly string[]
}
