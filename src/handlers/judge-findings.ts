import { GatewayError } from '../core/failure.ts'
import type { Finding } from '../core/guard/bodies/finding.ts'
import type { BodyCheck, Refusal } from '../core/guard/decision.ts'
import { refusalError } from './refuse.ts'

/** Throws, or returns where the body may go on unread. */
type OnUnreadable = (error: GatewayError) => void

/**
 * Judges what was found in a body, in its order; without waiting, as long as the judge does not.
 * @throws GatewayError insufficientScope, guardRefused, indicesUnknown, and what `onUnreadable` throws
 */
export function judgeAll(
  findings: readonly Finding[],
  check: BodyCheck,
  onUnreadable: OnUnreadable,
): void | Promise<void> {
  for (const [position, finding] of findings.entries()) {
    const refusal = judge(finding, check, onUnreadable)
    if (refusal instanceof Promise) {
      return refusal.then((settled) => {
        throwAt(settled, finding)
        return judgeAll(findings.slice(position + 1), check, onUnreadable)
      })
    }
    throwAt(refusal, finding)
  }
}

type Judged = Refusal | undefined

function judge(finding: Finding, check: BodyCheck, onUnreadable: OnUnreadable): Judged | Promise<Judged> {
  switch (finding.kind) {
    case 'names':
      return check.judge(finding.indices)
    case 'unnamed':
      return check.unnamed
    case 'hidden':
      return check.unclear(`The request body holds ${finding.what}: only opensearch:admin may send that`)
    case 'unreadable': {
      const reason = `${finding.line === undefined ? 'The request body' : 'A line of the request body'} ${finding.why}`
      onUnreadable(new GatewayError('invalidBody', { reason: at(reason, finding) }))
      return undefined
    }
    case 'tooLong': {
      const what = finding.line === undefined ? 'The request body' : 'A line of the request body'
      const reason = at(`${what} is longer than ${String(finding.bytes)} bytes`, finding)
      onUnreadable(new GatewayError('bodyTooLarge', { reason }))
      return undefined
    }
  }
}

function throwAt(refusal: Judged, finding: Finding): void {
  if (refusal !== undefined) throw refusalError({ ...refusal, reason: at(refusal.reason, finding) })
}

/** The number of the line by which clients find what was refused in what they sent. */
function at(reason: string, { line }: Finding): string {
  return line === undefined ? reason : `${reason} (line ${String(line)} of the body)`
}
