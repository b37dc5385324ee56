import { X509Certificate } from 'node:crypto'

import { FILE_SETTINGS } from './file-settings.ts'
import type { ConfigFile } from './schema.ts'
import { mapValues } from './walk.ts'

const HIDDEN = '(hidden)'

/** A configuration that anybody may read: without secrets, and certificates by what they say of themselves. Durations are in milliseconds. */
export function hideSecrets(config: ConfigFile): unknown {
  return mapValues(config, (value, { setting }) => {
    if (typeof value !== 'string') return value
    switch (FILE_SETTINGS[setting]) {
      case 'secret':
        return HIDDEN
      case 'renewed secret':
        return value.startsWith('file:') ? value : HIDDEN
      case 'content':
        return describePem(value)
      default:
        // An address of a key server may come with a password.
        return value.replace(/\/\/[^/]*@/, '//***@')
    }
  })
}

function describePem(pem: string): string {
  try {
    const { subject, validTo, fingerprint256 } = new X509Certificate(pem)
    return `(certificate of ${subject.split('\n').join(', ')}, until ${validTo}, SHA-256 ${fingerprint256})`
  } catch {
    return HIDDEN
  }
}
