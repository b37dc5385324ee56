import { tmpdir } from 'node:os'
import { join } from 'node:path'

// What tests start as processes of their own is compiled once: half of the CPU time of a command that ends soon.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'memory-gateway-compile-cache')

/** @type {import('jest').Config} */
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022', experimental: { keepImportAttributes: true } },
        module: { type: 'es6' },
      },
    ],
  },
}

const deploy = {
  ...shared,
  globalSetup: '<rootDir>/test/deploy/tools/fetch-tools.ts',
  globalTeardown: '<rootDir>/test/support/end-collecting.ts',
}

const cluster = {
  ...shared,
  globalSetup: '<rootDir>/test/support/start-clusters.ts',
  globalTeardown: '<rootDir>/test/support/stop-clusters.ts',
}

/** @type {import('jest').Config} */
export default {
  testTimeout: 30_000,
  maxWorkers: 2,
  // With no handle left a worker of 900 MB takes longer than 500 ms to go on a busy machine, and Jest says then that a test leaks.
  workerGracefulExitTimeout: 10_000,
  testSequencer: '<rootDir>/test/support/longest-first.js',
  reporters: ['default', '<rootDir>/test/support/plain-summary.js'],
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    { ...deploy, displayName: 'deploy', testMatch: ['<rootDir>/test/{deploy,readme}/**/*.test.ts'] },
    { ...cluster, displayName: 'cluster', testMatch: ['<rootDir>/test/{contract,cluster,adversarial}/**/*.test.ts'] },
  ],
}
