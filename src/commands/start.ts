import { Command } from 'commander'
import closeWithGrace from 'close-with-grace'

import { checkConfig } from '../check-config.ts'
import { openConfigSource } from '../config/source.ts'
import { createLog, openStdout, writeOut } from '../ops/log.ts'
import { startGateway } from '../server.ts'
import { collectBuffersYoung } from './collect-buffers-young.ts'
import { freeStartMemory } from './free-start-memory.ts'
import type { Env } from './read-config.ts'

/** `memory-gateway start`. */
export function startCommand(env: Env): Command {
  return new Command('start')
    .description('Start the gateway in front of a cluster.')
    .requiredOption('--config <file>', 'the YAML configuration; config/gateway.yaml is one with comments')
    .addHelpText('after', '\nExample:\n  memory-gateway start --config gateway.yaml')
    .exitOverride()
    .action(async ({ config: path }: { config: string }) => {
      const source = openConfigSource(path, { env, check: checkConfig })
      const config = source.read()
      const stdout = openStdout()
      const log = createLog(config.log.level, stdout)
      const gateway = await startGateway(config, log, source)
      // Of a rotation of logs too: its files are opened anew.
      process.on('SIGHUP', () => {
        gateway.reopen()
        void gateway.reload('signal')
      })
      collectBuffersYoung()
      freeStartMemory()
      // The first line says that the gateway is ready, and where; port 0 takes a free one.
      process.stdout.write(`${JSON.stringify({ msg: 'listening', url: gateway.url, opsUrl: gateway.opsUrl })}\n`)
      const delay = config.limits.drainDelay + config.limits.drain + 5_000
      closeWithGrace({ delay, logger: false, skip: ['SIGHUP'] }, async ({ err }) => {
        if (err !== undefined) log.failure('process', err)
        await gateway.close()
        await writeOut(stdout)
      })
    })
}
