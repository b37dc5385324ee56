import { Command } from 'commander'

/** `memory-gateway demo`. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Try the gateway in front of an embedded store, a real OpenSearch, or your own cluster.')
    .option('--once', 'end after the two deletes')
    .option('--real', 'in front of a real OpenSearch, assembled from Maven Central (needs Java 21+ and Maven)')
    .option('--cluster <url>', 'in front of your own cluster, in indices named memory-gateway-demo-*')
    .option('--port <port>', 'the port of the gateway; 0 takes a free one', (text) => Number(text), 0)
    .addHelpText(
      'after',
      '\nExamples:\n  memory-gateway demo\n  memory-gateway demo --once --cluster http://127.0.0.1:9200',
    )
    .exitOverride()
    .action(async (options: { once?: true; real?: true; cluster?: string; port: number }) => {
      const { runDemo } = await import('../demo/run-demo.ts')
      await runDemo({ ...options, once: options.once === true, real: options.real === true })
    })
}
