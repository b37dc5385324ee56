// Named by NODE_OPTIONS, this is loaded by whatever runs on Node, npm on an older one too: only gateways are of interest.
const [, program = '', command = ''] = process.argv
const isGateway = /\/(?:src\/cli\.ts|dist\/cli\.js|memory-gateway)$/.test(program) && /^(?:start|demo)$/.test(command)
if (isGateway) await import('./collect-own-answers.ts')
