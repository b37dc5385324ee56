import type { StoredDocument } from './documents.ts'

const K1 = Math.fround(1.2)
const B = Math.fround(0.75)

interface TermQuery {
  /** All documents that are searched. */
  readonly documents: readonly StoredDocument[]
  readonly termsOf: (document: StoredDocument) => readonly string[]
  readonly wanted: string
  readonly boost: number
  /** Whether the length of a field counts. */
  readonly norms: boolean
}

/**
 * BM25 in single precision, as Lucene computes it (https://lucene.apache.org/core/10_3_2/core/org/apache/lucene/search/similarities/BM25Similarity.html),
 * for fields of up to 40 words, whose length Lucene keeps exactly.
 */
export function scoreTerm({
  documents,
  termsOf,
  wanted,
  boost,
  norms,
}: TermQuery): (document: StoredDocument) => number | undefined {
  const lengths = documents.map((document) => termsOf(document).length).filter((length) => length > 0)
  const matching = documents.filter((document) => termsOf(document).includes(wanted)).length
  const total = lengths.reduce((sum, length) => sum + length, 0)
  const average = Math.fround(total / lengths.length)
  const idf = Math.fround(Math.log(1 + (lengths.length - matching + 0.5) / (matching + 0.5)))
  const weight = Math.fround(boost * idf)
  return (document) => {
    const terms = termsOf(document)
    const frequency = terms.filter((term) => term === wanted).length
    if (frequency === 0) return undefined
    const length = norms ? terms.length : 1
    const relative = Math.fround(Math.fround(B * length) / average)
    const norm = Math.fround(1 / Math.fround(K1 * Math.fround(Math.fround(1 - B) + relative)))
    const occurrences = norms ? frequency : 1
    return Math.fround(weight - Math.fround(weight / Math.fround(1 + Math.fround(occurrences * norm))))
  }
}

/** A score as Java writes a float: as few digits as tell it from its neighbours. */
export function scoreText(score: number): string {
  const single = Math.fround(score)
  for (let digits = 1; digits < 9; digits += 1) {
    const text = single.toPrecision(digits)
    if (Math.fround(Number(text)) === single) return withFraction(Number(text))
  }
  return withFraction(single)
}

function withFraction(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
