import { execFile } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LocalClusterError } from './local-cluster-error.ts'

export interface KeyPair {
  /** Path of the certificate, PEM. */
  readonly cert: string
  /** Path of its private key, PKCS#8 PEM: the only form that the security plugin reads. */
  readonly key: string
}

export interface Certificates {
  readonly ca: string
  readonly node: KeyPair
  readonly admin: KeyPair
  readonly client: KeyPair
}

const ORGANIZATION = 'memory-gateway-local-cluster'

/** A certificate's name as the security plugin compares it (RFC 2253: the last part first). */
export const distinguishedName = (commonName: string): string => `CN=${commonName},O=${ORGANIZATION}`

/**
 * Makes a certificate authority and three certificates of its own with `openssl`: the node's (for 127.0.0.1 and
 * localhost), the super admin's, and a client's without any rights. P-256, valid for 30 days.
 * @param authorityIn the folder of certificates made before, whose authority is used again
 */
export async function makeCertificates(folder: string, authorityIn?: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true })
  const ca = authorityIn === undefined ? await makeAuthority(folder) : await copyAuthority(authorityIn, folder)
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n'
  return {
    ca: ca.cert,
    node: await issue(folder, ca, 'node', names),
    admin: await issue(folder, ca, 'admin', 'extendedKeyUsage=clientAuth\n'),
    client: await issue(folder, ca, 'client', 'extendedKeyUsage=clientAuth\n'),
  }
}

const VALID = ['-days', '30', '-sha256']

async function makeAuthority(folder: string): Promise<KeyPair> {
  const pair = await makeKey(folder, 'ca')
  const extensions =
    'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
  await writeFile(join(folder, 'ca.ext'), extensions)
  await request(folder, 'ca', pair)
  await openssl(
    'x509',
    '-req',
    ...VALID,
    '-in',
    join(folder, 'ca.csr'),
    '-signkey',
    pair.key,
    '-out',
    pair.cert,
    '-extfile',
    join(folder, 'ca.ext'),
  )
  return pair
}

async function copyAuthority(from: string, folder: string): Promise<KeyPair> {
  const files = ['ca.pem', 'ca-key.pem'] as const
  const [cert, key] = files.map((name) => join(folder, name)) as [string, string]
  for (const name of files) await copyFile(join(from, name), join(folder, name))
  return { cert, key }
}

async function issue(folder: string, ca: KeyPair, name: string, extensions: string): Promise<KeyPair> {
  const pair = await makeKey(folder, name)
  const file = (extension: string) => join(folder, `${name}.${extension}`)
  await writeFile(file('ext'), `basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n${extensions}`)
  await request(folder, name, pair)
  const signer = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial']
  await openssl('x509', '-req', ...VALID, ...signer, '-in', file('csr'), '-out', pair.cert, '-extfile', file('ext'))
  return pair
}

async function makeKey(folder: string, name: string): Promise<KeyPair> {
  const key = join(folder, `${name}-key.pem`)
  await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key)
  return { cert: join(folder, `${name}.pem`), key }
}

async function request(folder: string, name: string, { key }: KeyPair): Promise<void> {
  const subject = `/O=${ORGANIZATION}/CN=${name}`
  await openssl('req', '-new', '-sha256', '-key', key, '-subj', subject, '-out', join(folder, `${name}.csr`))
}

async function openssl(...args: string[]): Promise<void> {
  try {
    await promisify(execFile)('openssl', args)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new LocalClusterError(
      missing
        ? 'openssl is needed to make the certificates of a secured cluster, and was not found on PATH. Install it (package openssl).'
        : `openssl ${args[0] ?? ''} failed: ${(error as Error).message}`,
      { cause: error },
    )
  }
}
