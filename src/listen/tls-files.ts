import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

/** PEM files of the certificate, with its chain, and of its key. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** How often they are looked at, in milliseconds. */
  readonly reread: number
}

/** What a server is made of, and made anew of. */
interface Pair {
  readonly cert: string
  readonly key: string
  readonly minVersion: typeof MIN_VERSION
}

/** What a certificate that was renewed means for the server. */
interface Events {
  readonly onChange: (context: Pair) => void
  readonly onRefused: (error: unknown) => void
}

const MIN_VERSION = 'TLSv1.2'

/**
 * Reads certificate and key, which must belong together.
 * @throws Error in words of the file system or of OpenSSL
 */
export function readTlsFiles({ cert, key }: Pick<TlsFiles, 'cert' | 'key'>): Pair {
  const context = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), minVersion: MIN_VERSION } as const
  createSecureContext(context)
  // Of a key file that is being written, and still empty, the context would just have none.
  if (!new X509Certificate(context.cert).checkPrivateKey(createPrivateKey(context.key))) {
    throw new Error('the key is not that of the certificate')
  }
  return context
}

/**
 * Looks at the files' contents again and again, since those who renew certificates write, rename or relink. Half of a pair, or one that does not fit
 * together, is not used.
 */
export function watchTlsFiles(files: TlsFiles, { onChange, onRefused }: Events): { close(): void } {
  let seen = fingerprint(readTlsFiles(files))
  let refused: string | undefined
  const look = (): void => {
    try {
      const context = readTlsFiles(files)
      refused = undefined
      if (fingerprint(context) === seen) return
      seen = fingerprint(context)
      onChange(context)
    } catch (error) {
      // Once for each reason.
      if (String(error) === refused) return
      refused = String(error)
      onRefused(error)
    }
  }
  const timer = setInterval(look, files.reread).unref()
  return { close: () => clearInterval(timer) }
}

function fingerprint({ cert, key }: Pair): string {
  return `${cert}\n${key}`
}
