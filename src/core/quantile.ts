/** How many values were counted up to each bound, those up to a smaller one included, and how many in all. */
export interface Distribution {
  readonly bounds: readonly number[]
  readonly upTo: readonly number[]
  readonly count: number
}

/** What came to a distribution since an earlier one of the same bounds. */
export function distributionSince(later: Distribution, earlier: Distribution | undefined): Distribution {
  if (earlier === undefined) return later
  return {
    bounds: later.bounds,
    upTo: later.upTo.map((count, position) => count - (earlier.upTo[position] ?? 0)),
    count: later.count - earlier.count,
  }
}

/** @returns `undefined` where nothing was counted; the largest bound where the value is beyond it */
export function quantile(share: number, { bounds, upTo, count }: Distribution): number | undefined {
  if (count <= 0) return undefined
  const rank = share * count
  const position = upTo.findIndex((counted) => counted >= rank)
  if (position === -1) return bounds.at(-1)
  const [before = 0, counted = 0] = position === 0 ? [0, upTo[0]] : upTo.slice(position - 1, position + 1)
  const [from = 0, to = 0] = position === 0 ? [0, bounds[0]] : bounds.slice(position - 1, position + 1)
  // Evenly spread within a bucket, as Prometheus' histogram_quantile takes it.
  return counted === before ? to : from + ((to - from) * (rank - before)) / (counted - before)
}
