/**
 * What takes longest, seconds of a run in CI in brackets, begins first: begun last it would leave the other worker with nothing to do.
 * Those with a server of their own (*) stand apart, so that no two of these run at once.
 */
export const LONGEST = [
  'cluster/faults-random', // 94 *
  'cluster/ops-page', // 37
  'cluster/bad-days', // 34
  'cluster/embedded-parity', // 32
  'cluster/rest-api', // 67 *
  'cluster/command-line', // 28
  'cluster/official-clients', // 22
  'readme/readme', // 59 *
  'adversarial/delete-by-query', // 22
  'cluster/engine-faults', // 21
  'cluster/shared-state', // 21
  'adversarial/guard-holes', // 21 *
  'cluster/by-query-against-by-id', // 20
  'contract/odd-texts', // 19
  'cluster/several-nodes', // 19
  'cluster/rolling-replacement', // 19
  'cluster/delete-container', // 17
  'contract/transcripts', // 17
  'cluster/doctor-secured', // 17
  'cluster/secured-identities', // 16
  'cluster/pass-through', // 15
  'cluster/interrupted-deletes', // 15
  'contract/common-parameters', // 14
  'cluster/secured-delete', // 13
  'cluster/upgrade', // 12
  'deploy/helm/helm', // 12
  'cluster/embedded-parity-client', // 12
  'cluster/secured-memory-identities', // 12
  'cluster/erasures', // 12
  'cluster/idempotent-retries', // 11
  'cluster/delete-by-query', // 11
  'cluster/reload', // 10
]
