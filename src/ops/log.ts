import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'

import { FAILURES, GatewayError } from '../core/failure.ts'

/** What the access line says of a request. No query string, no header, no body: tokens and memory texts travel there. */
export interface AccessLine {
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly route: string
  readonly status: number
  readonly durationMs: number
  readonly issuer?: string
  readonly subject?: string | undefined
  readonly outcome?: string
  /** The caller went away before its answer was complete. */
  readonly aborted?: boolean
}

export interface Log {
  access(line: AccessLine): void
  /** A request that could not be decided or carried out: logged as loudly as its source asks for. */
  failure(requestId: string, error: unknown): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  /** How loud it is from now on. */
  setLevel(level: string): void
}

/**
 * Access lines are written together, this many bytes at once or this often: a system call a line cost more than making it. What nobody
 * reads is dropped beyond `maxLength` bytes: a reader that hangs must not take the gateway's memory.
 */
const STDOUT = { fd: 1, sync: false, minLength: 8_192, periodicFlush: 100, maxLength: 16_777_216 } as const

interface Destination extends DestinationStream {
  /** Writes what waits, as soon as it can. */
  flush?(): void
}

/** JSON lines on stdout. What is not an access line is written in this turn of the event loop, and all that waits when the process ends. */
export function createLog(level: string, destination: Destination = openStdout()): Log {
  const logger = pino({ level, base: null, timestamp: createTimestamp() }, destination)
  let isAboutTo = false
  // Once for all lines of a turn, and not by pino's own flush: that is an fsync and two listeners each time, which an overload makes thousands of.
  const atOnce = (write: () => void): void => {
    write()
    if (isAboutTo) return
    isAboutTo = true
    setImmediate(() => {
      isAboutTo = false
      destination.flush?.()
    })
  }
  return {
    access: (line) => logger.info(line, 'request'),
    failure: (requestId, error) => atOnce(() => logFailure(logger, requestId, error)),
    info: (message, fields = {}) => atOnce(() => logger.info(fields, message)),
    warn: (message, fields = {}) => atOnce(() => logger.warn(fields, message)),
    setLevel: (to) => void (logger.level = to),
  }
}

/** @param settings for tests */
export function openStdout(
  settings: { readonly fd?: number; readonly maxLength?: number } = {},
): ReturnType<typeof pino.destination> {
  const stdout = pino.destination({ ...STDOUT, ...settings })
  let dropped = 0
  stdout.on('drop', () => (dropped += 1))
  stdout.on('drain', () => {
    if (dropped === 0) return
    const msg = 'log lines were dropped: they are not read fast enough'
    const line = { level: 40, time: new Date().toISOString(), lines: dropped, msg }
    dropped = 0
    stdout.write(`${JSON.stringify(line)}\n`)
  })
  return stdout
}

/**
 * Waits until all lines are written, and the notice of those that were dropped: for a process that ends. What is left then is written by pino's own handler, which
 * knows neither of the notice nor of the piece that a full pipe has refused.
 */
export async function writeOut(stdout: ReturnType<typeof openStdout>): Promise<void> {
  const flushed = (): Promise<void> => new Promise((resolve) => stdout.flush(() => resolve()))
  await flushed()
  // The notice is written when the others are.
  await flushed()
}

/** The time as pino wants it, made once a millisecond. */
function createTimestamp(): () => string {
  let madeFor = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== madeFor) {
      madeFor = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

function logFailure(logger: Logger, requestId: string, error: unknown): void {
  if (!(error instanceof GatewayError)) {
    const stack = error instanceof Error ? error.stack : undefined
    logger.error({ requestId, causes: causesOf(error), stack }, 'unexpected failure')
    return
  }
  const { source, status } = FAILURES[error.code]
  const fields = { requestId, code: error.code, status, reason: error.message, causes: causesOf(error.cause) }
  if (source === 'caller') logger.debug(fields, 'refused')
  else logger.warn(fields, REMEDIES[error.code] ?? 'failed')
}

/** What the operator can do; the caller never reads this. */
const REMEDIES: Partial<Record<GatewayError['code'], string>> = {
  upstreamMasked:
    'the cluster hides a protected index from the service identity: on a cluster with the security plugin, give the cluster ' +
    'service: { kind: clientCertificate } with a certificate whose DN is in plugins.security.authcz.admin_dn',
  upstreamRefusedGateway:
    'the cluster refused the service identity: check the credentials under clusters.*.service and its roles',
  upstreamUnavailable: 'the cluster cannot be reached: check clusters.*.nodes and clusters.*.tls',
  unusableContainer: 'a memory container has a configuration that cannot be used safely: check its document',
  keysUnavailable: 'no usable key set for an issuer: check auth.issuers[].jwks and the key server',
}

/** The messages and codes along a chain of causes: error objects of clients hold credentials, so no object is logged whole. */
export function causesOf(error: unknown): readonly string[] {
  const causes: string[] = []
  for (let cause = error; cause !== undefined && cause !== null && causes.length < 5;) {
    causes.push(describe(cause).slice(0, 300))
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return causes
}

function describe(cause: unknown): string {
  if (cause instanceof Error) {
    const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : ''
    return `${cause.message}${code}`
  }
  if (typeof cause === 'string') return cause
  if (typeof cause === 'object' && cause !== null && 'status' in cause && 'error' in cause) return describeAnswer(cause)
  if (typeof cause === 'object' && cause !== null && 'check' in cause) return `check ${String(cause.check)}`
  return typeof cause
}

/** An error that the cluster answered with. */
function describeAnswer({ status, error }: { status: unknown; error: unknown }): string {
  const detail = typeof error === 'object' && error !== null && 'type' in error && 'reason' in error ? error : undefined
  return `the cluster answered ${String(status)}: ${detail === undefined ? typeof error : `${String(detail.type)}: ${String(detail.reason)}`}`
}
