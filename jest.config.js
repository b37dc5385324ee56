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
  reporters: ['default', '<rootDir>/test/support/plain-summary.js'],
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    { ...deploy, displayName: 'deploy', testMatch: ['<rootDir>/test/{deploy,readme}/**/*.test.ts'] },
    { ...cluster, displayName: 'cluster', testMatch: ['<rootDir>/test/{contract,cluster,adversarial}/**/*.test.ts'] },
  ],
}
