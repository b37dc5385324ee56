import type { FindingId } from '../../src/core/doctor/finding.ts'

/** Where a finding of the doctor is provoked on a real cluster of one kind, and its remedy followed; or why no such cluster can have it. */
export type Provocation =
  /** By test/support/doctor-cases, on the cluster that runs for all tests. */
  | { readonly by: 'case'; readonly butNotReal?: string }
  /** By the page's own reader, on the cluster of README.md; and by doctor-own-security.test.ts (TEST_LONG=1). */
  | { readonly by: 'readme' }
  | { readonly never: string }

const CASE = { by: 'case' } as const
const ANSWERS_ANYBODY = { never: 'without the security plugin a cluster answers anybody, and hides nothing' } as const
const READS_NO_TOKENS = { never: 'without the security plugin no token is read: there is no claim to compare' } as const
const NO_DOMAINS = { never: 'without the security plugin there are no authentication domains' } as const
const TWO_VERSIONS = {
  by: 'case',
  butNotReal:
    'the version in an answer is changed on its way: a second version is another 100 MB from Maven Central; doctor-own-clusters.test.ts has two real ones (TEST_LONG=1)',
} as const

const OTHER_ORDER = {
  by: 'case',
  butNotReal:
    'the order in an answer is changed on its way: the configuration is that of all tests; doctor-own-security.test.ts really changes it (TEST_LONG=1)',
} as const

export const PROVOKED: Readonly<Record<FindingId, { readonly plain: Provocation; readonly secured: Provocation }>> = {
  'node-unreachable': { plain: CASE, secured: CASE },
  'service-refused': { plain: ANSWERS_ANYBODY, secured: CASE },
  'versions-differ': { plain: TWO_VERSIONS, secured: TWO_VERSIONS },
  'clusters-differ': { plain: CASE, secured: CASE },
  'tls-untrusted': { plain: CASE, secured: CASE },
  'tls-wrong-name': { plain: CASE, secured: CASE },
  'certificate-expired': { plain: CASE, secured: CASE },
  'certificate-expires-soon': { plain: CASE, secured: CASE },
  'indices-masked': { plain: ANSWERS_ANYBODY, secured: CASE },
  'rights-missing': { plain: ANSWERS_ANYBODY, secured: CASE },
  'index-blocked': { plain: CASE, secured: CASE },
  'index-unavailable': { plain: CASE, secured: CASE },
  'mapping-unsuitable': { plain: CASE, secured: CASE },
  'containers-unreadable': { plain: CASE, secured: CASE },
  'containers-share-an-index': { plain: CASE, secured: CASE },
  'container-without-owner': { plain: CASE, secured: CASE },
  'container-unusable': { plain: CASE, secured: CASE },
  'subject-key-differs': { plain: READS_NO_TOKENS, secured: CASE },
  'roles-key-differs': { plain: READS_NO_TOKENS, secured: CASE },
  'callers-unknown': { plain: CASE, secured: { by: 'readme' } },
  'domains-share-an-order': { plain: NO_DOMAINS, secured: OTHER_ORDER },
  'tokens-challenged': { plain: READS_NO_TOKENS, secured: OTHER_ORDER },
  'signing-keys-differ': { plain: READS_NO_TOKENS, secured: CASE },
  'proxy-headers-ignored': { plain: READS_NO_TOKENS, secured: CASE },
  'keys-unavailable': { plain: CASE, secured: CASE },
  'keys-do-not-fit': { plain: CASE, secured: CASE },
  'clock-skew': { plain: CASE, secured: CASE },
}

/** The findings that are provoked in this way on clusters of this kind, by name. */
export function provokedBy(by: 'case' | 'readme', kind: 'plain' | 'secured'): readonly string[] {
  return Object.entries(PROVOKED)
    .filter(([, { [kind]: where }]) => 'by' in where && where.by === by)
    .map(([id]) => id)
    .sort()
}
