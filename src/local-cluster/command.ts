import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { Command, InvalidArgumentError } from 'commander'
import { LocalClusterError } from './local-cluster-error.ts'
import { progressPrinter } from '../progress.ts'
import { type OpenSearchOptions, type RunningOpenSearch, startOpenSearch } from './start-opensearch.ts'
import { DEFAULT_VERSION } from './versions.ts'

// `npm run opensearch`: one real OpenSearch on this machine, until Ctrl-C.
const command = new Command('npm run opensearch --')
  .description(
    'Start a real OpenSearch on 127.0.0.1 until Ctrl-C, fetched from Maven Central (no Docker). Needs Java and, once, Maven.',
  )
  .option('--secured', 'with the security plugin: TLS, users, protected system indices')
  .option('--credentials <folder>', 'with --secured: put its CA and the certificates to call it with into this folder')
  .option('--port <number>', 'HTTP port (default: a free one)', parsePort)
  .option('--version <version>', `version of OpenSearch (default: OPENSEARCH_VERSION, else ${DEFAULT_VERSION})`)
  .option('--heap <megabytes>', 'Java heap in MiB (default: 512)', parseHeap)
  .addHelpText(
    'after',
    `
Examples:
  npm run opensearch
  npm run opensearch -- --secured --port 9200 --credentials certs
  npm run opensearch -- --version 3.8.0
Environment:
  OPENSEARCH_VERSION    version to start
  MEMORY_GATEWAY_CACHE  where servers are kept (default: $XDG_CACHE_HOME/opensearch-memory-gateway, else ~/.cache/...)
  JAVA_HOME             the Java to run with, if it is a fitting one
Java options of the environment are not passed on to the server.`,
  )

interface Options extends OpenSearchOptions {
  readonly heap?: number
  readonly credentials?: string
}

async function run({ heap, credentials, ...rest }: Options): Promise<void> {
  if (credentials !== undefined && rest.secured !== true) {
    throw new LocalClusterError(
      '--credentials goes with --secured: a cluster without security asks nobody who they are',
    )
  }
  const progress = progressPrinter(process.stderr)
  const heapOption = heap === undefined ? {} : { heapMegabytes: heap }
  const cluster = await startOpenSearch({ ...rest, ...heapOption, onProgress: progress.show }).finally(progress.end)
  const shown = await place(cluster, credentials)
  process.stdout.write(`${describe(shown)}\nCtrl-C stops it and removes its data.\n`)
  const waiting = setInterval(() => undefined, 60_000)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      clearInterval(waiting)
      void cluster.stop()
    })
  }
}

type Shown = Pick<RunningOpenSearch, 'url' | 'version' | 'pid' | 'log' | 'secured'>

/** Copies what callers need into a folder of their own choice, where it has the same name at each start. */
async function place(cluster: RunningOpenSearch, folder: string | undefined): Promise<Shown> {
  const { url, version, pid, log, secured } = cluster
  if (secured === undefined || folder === undefined) return { url, version, pid, log, secured }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const copy = async (from: string, name: string): Promise<string> => {
    const to = join(folder, name)
    await copyFile(from, to)
    return to
  }
  const copies = {
    ca: await copy(secured.ca, 'ca.pem'),
    adminCert: await copy(secured.adminCert, 'admin.pem'),
    adminKey: await copy(secured.adminKey, 'admin-key.pem'),
    clientCert: await copy(secured.clientCert, 'client.pem'),
    clientKey: await copy(secured.clientKey, 'client-key.pem'),
  }
  return { url, version, pid, log, secured: { ...copies, adminUser: secured.adminUser } }
}

function describe({ url, version, pid, log, secured }: Shown): string {
  const head = `OpenSearch ${version} runs at ${url} (process ${pid}, log ${log})`
  if (secured === undefined) return `${head}\n\n  curl ${url}/\n`
  const { ca, adminCert, adminKey, clientCert, clientKey, adminUser } = secured
  return `${head}

  CA                  ${ca}
  user                ${adminUser.username}, password ${adminUser.password} (all_access; system indices stay hidden)
  super admin         ${adminCert}
                      ${adminKey}
  client, no rights   ${clientCert}
                      ${clientKey}

  curl --cacert ${ca} -u ${adminUser.username}:${adminUser.password} ${url}/
  curl --cacert ${ca} --cert ${adminCert} --key ${adminKey} ${url}/
`
}

function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('Give a number from 0 to 65535.')
}

function parseHeap(text: string): number {
  const megabytes = Number(text)
  if (Number.isInteger(megabytes) && megabytes >= 256) return megabytes
  throw new InvalidArgumentError('Give a number of MiB, 256 or more.')
}

try {
  await run(command.parse().opts())
} catch (error) {
  if (!(error instanceof LocalClusterError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
