import { createHmac } from 'node:crypto'

interface Settings {
  /** `hash`: the same letters for the same subject, which only who has the key can lead back to a name that they guess. */
  readonly subject: 'plain' | 'hash' | 'none'
  readonly subjectKey?: string | undefined
}

interface Caller {
  readonly issuer: string
  readonly subject: string
}

/** How the access lines name callers. @throws Error for `hash` without a key */
export function subjectInLog({ subject, subjectKey }: Settings): (caller: Caller) => string | undefined {
  switch (subject) {
    case 'plain':
      return (caller) => caller.subject
    case 'none':
      return () => undefined
    case 'hash': {
      if (subjectKey === undefined) throw new Error('a checked configuration has a key for its hashes')
      // With the issuer: bob of one is not bob of another. 128 bits are enough to tell all subjects apart.
      return (caller) =>
        createHmac('sha256', subjectKey)
          .update(JSON.stringify([caller.issuer, caller.subject]))
          .digest('base64url')
          .slice(0, 22)
    }
  }
}
