import { byQueryCases } from './transcripts/by-query.ts'
import { clusterCases } from './transcripts/cluster.ts'
import { containerDeleteCases } from './transcripts/container-deletes.ts'
import { outcomesCases } from './transcripts/outcomes.ts'
import { readsCases } from './transcripts/reads.ts'
import { spellingsCases } from './transcripts/spellings.ts'
import { systemIndexCases } from './transcripts/system-indices.ts'
import { usersCases } from './transcripts/users.ts'

/** Recorded from OpenSearch 3.4.0 with its ml-commons plugin: what concerns reads and deletes of memories. */
export const TRANSCRIPTS = {
  outcomes: outcomesCases,
  spellings: spellingsCases,
  users: usersCases,
  systemIndices: systemIndexCases,
  byQuery: byQueryCases,
  containerDeletes: containerDeleteCases,
  cluster: clusterCases,
  reads: readsCases,
} as const

/** Recordings of this range that are no cases of their own. */
export const NO_CASES: Readonly<Record<string, string>> = {
  '150': 'the raw memory of another container: seeded for 152',
  '177': 'reads a memory through the plugin: that it is still there is checked in 176',
}

/** What a comparison leaves out, and why. Everything else is compared as text. */
export const NORMALISATIONS = [
  {
    what: 'the names of the indices',
    why: 'the tests share a cluster: each run puts a prefix of its own before acme, lt and the others, and takes it away from the answers',
  },
  {
    what: '_version and _seq_no',
    pattern: /("(?:_version|_seq_no)" ?: ?|^(?:_version|_seq_no): )\d+/gm,
    why: 'they count the writes of a document and of a shard, and the recording had others before',
  },
  {
    what: '_primary_term',
    pattern: /("_primary_term" ?: ?|^_primary_term: )\d+/gm,
    why: 'it counts the restarts of a shard',
  },
  { what: 'took', pattern: /("took":)\d+/g, why: 'milliseconds' },
  {
    what: 'X-OpenSearch-Version',
    why: "it names the version and the cluster: compared with what the running cluster says of itself, not with the recording's",
  },
  {
    what: 'content-length of answers that name an index',
    why: "the prefix lengthens it: compared with the body's length",
  },
] as const
