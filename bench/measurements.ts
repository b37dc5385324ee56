/** One contender in one case of one round: what was measured, by name. */
export interface Measurement {
  readonly suite: string
  readonly case: string
  readonly contender: string
  readonly round: number
  readonly figures: Readonly<Record<string, number>>
}

/** What a suite compares: figures, and the contender that the others are compared with. */
export interface Suite {
  readonly name: string
  readonly title: string
  /** The contenders in the order of the table's columns; ratios are of the first against each of the others. */
  readonly contenders: readonly string[]
  readonly figures: readonly Figure[]
}

export interface Figure {
  readonly name: string
  readonly unit: string
  readonly digits: number
  /** No ratios where a contender has none of it. */
  readonly hasRatio: boolean
}

/** Round 0 warms everything up and does not count. */
export function isWarmUp(round: number): boolean {
  return round === 0
}

/** The contenders in another order each round, so that none always comes first. */
export function turnOf<Contender>(contenders: readonly Contender[], round: number): readonly Contender[] {
  const at = round % contenders.length
  return [...contenders.slice(at), ...contenders.slice(0, at)]
}
