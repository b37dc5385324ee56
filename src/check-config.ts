import { checkReceiptKeys } from './auth/receipt-keys.ts'
import type { ConfigProblem } from './config/problem.ts'
import type { ConfigFile } from './config/schema.ts'
import { readTlsFiles } from './listen/tls-files.ts'
import { checkRoutes } from './open-clusters.ts'
import { checkIssuersOf } from './open-issuers.ts'

/** The rules of a configuration that other parts of the gateway know, in the words and paths of the file. */
export function checkConfig(config: ConfigFile): readonly ConfigProblem[] {
  const { tls } = config.listen
  return [
    ...checkIssuersOf(config),
    ...checkRoutes(config),
    ...checkReceipts(config),
    ...checkRevocation(config),
    ...checkErasures(config),
    ...(tls === undefined ? [] : checkTlsFiles(tls)),
  ]
}

function checkReceipts({ receipts }: ConfigFile): readonly ConfigProblem[] {
  return checkReceiptKeys(receipts.keys).map(({ position, message }) => ({
    path: `receipts.keys[${String(position)}]`,
    message,
  }))
}

function checkRevocation({ revocation, ops, clusters }: ConfigFile): readonly ConfigProblem[] {
  const { accept, index } = revocation
  const names = Object.keys(clusters)
  const problems: ConfigProblem[] = []
  if (accept && ops.token === undefined) {
    problems.push({ path: 'revocation.accept', message: 'needs ops.token: who adds to the list shuts others out' })
  }
  if (index === undefined) return problems
  if (index.cluster === undefined && names.length > 1) {
    problems.push({ path: 'revocation.index.cluster', message: `is needed with several clusters: ${names.join(', ')}` })
  }
  if (index.cluster !== undefined && !names.includes(index.cluster)) {
    problems.push({
      path: 'revocation.index.cluster',
      message: `names no cluster; there are ${names.join(', ')}`,
    })
  }
  return problems
}

function checkErasures({ erasures, clusters, ops }: ConfigFile): readonly ConfigProblem[] {
  const { cluster } = erasures
  if (cluster === undefined) return []
  const names = Object.keys(clusters)
  return [
    ...(names.includes(cluster)
      ? []
      : [{ path: 'erasures.cluster', message: `names no cluster; there are ${names.join(', ')}` }]),
    ...(ops.token === undefined
      ? [{ path: 'erasures.cluster', message: 'needs ops.token: who erases a person deletes all that they have' }]
      : []),
  ]
}

function checkTlsFiles(tls: NonNullable<ConfigFile['listen']['tls']>): readonly ConfigProblem[] {
  try {
    readTlsFiles(tls)
    return []
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [{ path: 'listen.tls', message: `cannot be used (${why}); give a certificate and its key as PEM files` }]
  }
}
