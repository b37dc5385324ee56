/**
 * What becomes of a text that names a file:
 * - `content`: PEM; the content takes its place.
 * - `secret`: the same for `file:PATH`, without the line end; any other text is the secret itself.
 * - `renewed secret`: `file:PATH` stays, made absolute: the file is read anew while the gateway runs.
 * - `path`: made absolute; its content counts as part of the configuration.
 * - `own path`: made absolute; whoever uses the file sees for themselves what becomes of it.
 */
type Use = 'content' | 'secret' | 'renewed secret' | 'path' | 'own path'

/** Every setting that names a file, or may. */
export const FILE_SETTINGS: Readonly<Record<string, Use>> = {
  'listen.tls.cert': 'own path',
  'listen.tls.key': 'own path',
  'log.subjectKey': 'secret',
  'ops.token': 'secret',
  'audit.file': 'own path',
  'receipts.keys[]': 'secret',
  'revocation.file': 'own path',
  'auth.issuers[].jwks.file': 'path',
  'auth.issuers[].secret': 'secret',
  'auth.issuers[].keySet.ca': 'content',
  'auth.issuers[].keySet.diskPath': 'own path',
  'clusters.*.tls.ca': 'content',
  'clusters.*.service.password': 'secret',
  'clusters.*.service.token': 'renewed secret',
  'clusters.*.service.cert': 'content',
  'clusters.*.service.key': 'content',
  'clusters.*.passThrough.cert': 'content',
  'clusters.*.passThrough.key': 'content',
  'sharedState.password': 'secret',
  'sharedState.tls.ca': 'content',
  'sharedState.tls.cert': 'content',
  'sharedState.tls.key': 'content',
}

/** Settings whose value nobody is to read: what they hold may be, or may have been meant to be, a secret. */
export function isSecret(setting: string): boolean {
  const use = FILE_SETTINGS[setting]
  return use === 'content' || use === 'secret' || use === 'renewed secret'
}
