import type { GatewayError } from '../core/failure.ts'
import type { BodyLimits, Finding, ScanLimits } from '../core/guard/bodies/finding.ts'
import type { OnBulkAction } from '../core/guard/bodies/scan-bulk.ts'
import { scannerFor } from '../core/guard/bodies/scanner-for.ts'
import type { BodyCheck } from '../core/guard/decision.ts'
import type { AnswerWatch } from '../forward/engine.ts'
import { openGuardedBody } from '../forward/guarded-body.ts'
import type { Inspection } from '../forward/guarded-body.ts'
import { openUpload } from '../forward/upload.ts'
import type { Admitted, ClusterParts } from './exchange.ts'
import { judgeAll } from './judge-findings.ts'

/** Hears of what a bulk removes. */
export interface BulkWatch {
  /** Each line of metadata, in their order. */
  readonly onAction: OnBulkAction
  /** Before a part of the body, whose lines it has heard of, goes on. Throws to end the request. */
  readonly afterPart: () => Promise<void> | undefined
  /** The body goes on, but cannot be read, or not any more. */
  readonly onUnread: () => void
  /** Before its last part goes out. Throws to end the request. */
  readonly beforeEnd: () => Promise<void>
}

/** Sees a body of another kind. */
export interface BodyWatch {
  /** What it means, in pieces that are good until the call returns. */
  readonly take: (bytes: Uint8Array) => void
  /** The body goes on, but cannot be read. */
  readonly onUnread: () => void
  /** Before its last part goes out. Throws to end the request. */
  readonly beforeEnd: () => Promise<void>
}

/** Who watches a request on its way, and its answer. */
export interface Watches {
  readonly answer?: AnswerWatch | undefined
  readonly bulk?: BulkWatch | undefined
  readonly body?: BodyWatch | undefined
}

/**
 * @param headers what goes to the node, settled before
 * @param maxBytes of the body as it comes
 */
type ForwardInspected = (
  exchange: Pick<Admitted, 'request' | 'response' | 'waited'> & { readonly cluster: Pick<ClusterParts, 'forward'> },
  check: BodyCheck | undefined,
  headers: readonly string[],
  maxBytes: number,
  limits: BodyLimits,
  watches?: Watches,
) => Promise<void>

/** Of a body of lines so much is looked at before the node is asked at all: as much as most clients send at once. */
const FIRST_LINES_BYTES = 65_536

/** How much of a body is held before the node hears of it: the whole of one JSON value. */
function heldBytes(kind: BodyCheck['kind'] | undefined, { searchBytes }: ScanLimits): number {
  switch (kind) {
    case undefined:
    case 'bulk':
    case 'msearch':
      return FIRST_LINES_BYTES
    case 'msearchTemplate':
      return 1
    case 'ids':
    case 'mget':
    case 'query':
      return searchBytes
  }
}

/**
 * Sends on a request whose body may name indices, while the body is inspected: at the first that the caller may not reach, the request to the
 * node is broken off before its end, so that the server has run nothing of it. Without a check it is only watched.
 * @throws GatewayError guardRefused, insufficientScope, invalidBody, unreadableBody, bodyTooLarge, indicesUnknown
 */
export const forwardInspected: ForwardInspected = async (exchange, check, headers, maxBytes, limits, watches) => {
  const { request, response, waited, cluster } = exchange
  const held = { heldBytes: heldBytes(check?.kind, limits), inflatedBytes: limits.inflatedBytes }
  const upload = openUpload(request, maxBytes)
  try {
    const body = await openGuardedBody(upload, request, inspect(check, limits, watches), held)
    await waited
      .during(() => cluster.forward(request, response, headers, body, watches?.answer))
      .finally(() => body.destroy())
  } finally {
    // What is left of it is read and dropped: see openUpload.
    upload.destroy()
  }
}

function inspect(check: BodyCheck | undefined, limits: ScanLimits, { bulk, body }: Watches = {}): Inspection {
  const checking = check && inspectChecked(check, limits, bulk)
  return {
    take(bytes) {
      body?.take(bytes)
      return checking?.take(bytes)
    },
    end: () => checking?.end(),
    unreadable(error) {
      checking?.unreadable(error)
      body?.onUnread()
    },
    last: () => (bulk ?? body)?.beforeEnd(),
  }
}

function inspectChecked(check: BodyCheck, limits: ScanLimits, watch?: BulkWatch): Omit<Inspection, 'last'> {
  const scanner = scannerFor(check, limits, watch?.onAction)
  let isOff = false
  const unreadable = (error: GatewayError): void => {
    if (check.unclear(error.message) !== undefined) throw error
    // Observed only: what follows could not be told for what it is.
    isOff = true
    watch?.onUnread()
  }
  const take = (findings: readonly Finding[]): void | Promise<void> => {
    if (isOff) return
    const judged = judgeAll(findings, check, unreadable)
    return judged === undefined ? watch?.afterPart() : judged.then(() => watch?.afterPart())
  }
  return {
    take: (bytes) => take(isOff ? [] : scanner.push(bytes)),
    end: () => take(isOff ? [] : scanner.end()),
    unreadable,
  }
}
