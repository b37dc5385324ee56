/** On which cluster each finding of the doctor is provoked, and its remedy followed. */
export const PROVOKED = {
  withoutSecurity: [
    'clock-skew',
    'container-unusable',
    'container-without-owner',
    'containers-share-an-index',
    'containers-unreadable',
    'index-blocked',
    'index-unavailable',
    'keys-do-not-fit',
    'keys-unavailable',
    'mapping-unsuitable',
    'node-unreachable',
    'versions-differ',
  ],
  withSecurity: [
    'service-refused',
    'clusters-differ',
    'tls-untrusted',
    'tls-wrong-name',
    'certificate-expired',
    'certificate-expires-soon',
    'indices-masked',
    'rights-missing',
    'subject-key-differs',
    'roles-key-differs',
  ],
} as const
