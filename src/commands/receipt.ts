import { Command } from 'commander'

import { createReceiptKey, RECEIPT_TYPE } from '../auth/receipt-keys.ts'
import { openStatementKeys } from '../auth/verify-statement.ts'
import { readStdin } from './read-stdin.ts'

/** `memory-gateway receipt ...`. */
export function receiptCommand(exit: (code: number) => void): Command {
  return new Command('receipt')
    .description('Receipts for deletes, and the keys that sign them.')
    .addHelpText(
      'after',
      '\nExamples:\n  memory-gateway receipt new-key receipts.pem\n  memory-gateway receipt verify --jwks jwks.json < receipt',
    )
    .exitOverride()
    .addCommand(newKeyCommand(exit))
    .addCommand(verifyCommand(exit))
}

function newKeyCommand(exit: (code: number) => void): Command {
  return new Command('new-key')
    .description(
      'Make a key that signs receipts and the audit. Put it first under receipts.keys; those after it stay published.',
    )
    .argument('<file>', 'where to put it; a file that is there stays as it is')
    .exitOverride()
    .action(async (file: string) => {
      const isNew = await createReceiptKey(file)
      process.stderr.write(isNew ? `Made ${file}\n` : `${file} is there already, and was left as it is\n`)
      exit(isNew ? 0 : 1)
    })
}

function verifyCommand(exit: (code: number) => void): Command {
  return new Command('verify')
    .description('Say whether a receipt, read from stdin, was signed by a gateway, and print what it says as JSON.')
    .requiredOption(
      '--jwks <file or address>',
      'the public keys, as in https://gateway.example/.well-known/memory-gateway/jwks.json',
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 genuine, 3 not, 1 the keys cannot be read, 2 bad command line\n' +
        '\nExample:\n  memory-gateway receipt verify --jwks jwks.json < receipt',
    )
    .exitOverride()
    .action(async ({ jwks }: { jwks: string }) => {
      const verify = await openStatementKeys(jwks)
      const said = await verify(RECEIPT_TYPE, (await readStdin()).trim())
      if (said === undefined) process.stderr.write('This is no receipt that was signed with one of these keys\n')
      else process.stdout.write(`${JSON.stringify(said)}\n`)
      exit(said === undefined ? 3 : 0)
    })
}
