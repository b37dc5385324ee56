// Named by NODE_OPTIONS, this is loaded by whatever runs on Node, npm on an older one too: only gateways are of interest.
const isGateway = process.argv[1]?.endsWith('/src/cli.ts') === true && process.argv[2] === 'start'
if (isGateway) await import('./collect-own-answers.ts')
