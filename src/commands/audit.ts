import { Command } from 'commander'

import type { AuditReport } from '../core/audit/verify.ts'

interface VerifyFlags {
  readonly running?: true
  readonly partial?: true
  readonly jwks?: string
  readonly json?: true
}

/** `memory-gateway audit ...`. */
export function auditCommand(exit: (code: number) => void): Command {
  return new Command('audit')
    .description('What the gateway recorded of deletes.')
    .addHelpText('after', '\nExample:\n  memory-gateway audit verify memory-gateway-audit.log')
    .exitOverride()
    .addCommand(verifyCommand(exit))
}

function verifyCommand(exit: (code: number) => void): Command {
  return new Command('verify')
    .description('Say whether records of the audit were changed, left out, put elsewhere or cut off, and where.')
    .argument('<files...>', 'audit files in any order, those of earlier rotations too; .gz is inflated')
    .option('--running', 'the gateway still writes: the last chain of each writer has no end yet')
    .option('--partial', 'not all files are given: what came before the first record of a chain may be elsewhere')
    .option('--jwks <file or address>', 'the public keys of receipts: signatures are verified too, and asked for')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExit codes: 0 intact, 3 not intact, 1 a file cannot be read, 2 bad command line\n' +
        '\nExample:\n  memory-gateway audit verify --running memory-gateway-audit.log*',
    )
    .exitOverride()
    .action(async (names: readonly string[], { running, partial, jwks, json }: VerifyFlags) => {
      const { CHECKPOINT_TYPE } = await import('../auth/receipt-keys.ts')
      const { openStatementKeys } = await import('../auth/verify-statement.ts')
      const { verifyAudit } = await import('../core/audit/verify.ts')
      const { sha256 } = await import('../open-audit.ts')
      const { readAuditFile } = await import('../ops/audit/read-file.ts')
      const verify = jwks === undefined ? undefined : await openStatementKeys(jwks)
      const report = await verifyAudit(names.map(readAuditFile), {
        hash: sha256,
        ...(verify === undefined ? {} : { verifySignature: (jws: string) => verify(CHECKPOINT_TYPE, jws) }),
        isRunning: running === true,
        isPartial: partial === true,
      })
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : wordReport(report))
      exit(report.intact ? 0 : 3)
    })
}

const ENDS = { closed: 'closed', followed: 'ended by the next start', open: 'no end' } as const

function wordReport({ intact, records, otherLines, chains, findings }: AuditReport): string {
  const lines = findings.map(({ file, line, kind, start, sequence, message }) => {
    return `${file}:${String(line)}: ${wordKind(kind)}: record ${String(sequence)} of ${start}: ${message}`
  })
  const ofChains = chains.map(({ writer, start, first, last, end, signedUpTo }) => {
    const signed = signedUpTo === undefined ? '' : `, signed up to ${String(signedUpTo)}`
    return `${writer} ${start}: records ${String(first)} to ${String(last)}, ${ENDS[end]}${signed}`
  })
  const others = otherLines === 0 ? '' : `, ${String(otherLines)} other lines`
  const end = records === 0 ? 'no records' : intact ? 'intact' : 'NOT intact'
  return [...lines, ...ofChains, `${String(records)} records${others}: ${end}`]
    .map((line) => `${printable(line)}\n`)
    .join('')
}

function wordKind(kind: string): string {
  return kind.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

/** Names come from files: none may steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
