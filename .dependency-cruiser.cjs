// The direction of imports: cli -> server -> app -> handlers -> {auth, cluster, forward, wire, ops} -> core.
const owner = (name, packages, paths) => ({
  name: `${name}-has-one-owner`,
  comment: `${name} is imported from one place only`,
  severity: 'error',
  from: { pathNot: paths },
  to: { path: packages.map((p) => `node_modules/${p}/`) },
})

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-is-pure',
      comment: 'core imports core only: no package, no node builtin, no other folder',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: '^src/core/' },
    },
    {
      name: 'wire-is-pure',
      comment: 'wire imports core and itself only',
      severity: 'error',
      from: { path: '^src/wire/' },
      to: { pathNot: '^src/(core|wire)/' },
    },
    {
      name: 'siblings-do-not-import-one-another',
      severity: 'error',
      from: { path: '^src/(auth|cluster|forward|wire|ops|embedded|shared-state)/' },
      to: { path: '^src/', pathNot: ['^src/$1/', '^src/core/'] },
    },
    {
      name: 'handlers-are-called-by-the-app',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(handlers/|app(?:/|\\.ts)|server\\.ts|open-(clusters?|deciding|parts|pass-through|receipts)\\.ts|watch-upgraded\\.ts)',
      },
      to: { path: '^src/handlers/' },
    },
    {
      name: 'embedded-is-for-the-demo',
      severity: 'error',
      from: { pathNot: '^src/(demo|embedded)/' },
      to: { path: '^src/embedded/' },
    },
    {
      name: 'local-cluster-is-for-demo-and-tests',
      severity: 'error',
      from: { pathNot: '^src/(demo|local-cluster)/' },
      to: { path: '^src/local-cluster/' },
    },
    {
      name: 'commands-are-called-by-the-command-line',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/commands(/|\\.ts$)' },
      to: { path: '^src/commands/' },
    },
    {
      name: 'opensearch-js-is-loaded-in-parts',
      comment: 'the package as a whole loads a file for each of 500 APIs',
      severity: 'error',
      from: {},
      to: { path: 'node_modules/@opensearch-project/opensearch/(?!lib/)', dependencyTypesNot: ['type-only'] },
    },
    owner('jose', ['jose'], '^src/auth/'),
    owner('opensearch-js', ['@opensearch-project/opensearch'], '^src/cluster/official-client\\.ts$'),
    owner('http-proxy-middleware', ['http-proxy-middleware'], '^src/forward/'),
    owner('undici', ['undici'], '^src/(forward|cluster|auth)/'),
    owner('redis', ['redis'], '^src/shared-state/'),
    owner('rate-limiter-flexible', ['rate-limiter-flexible'], '^src/shared-state/'),
    owner('cockatiel', ['cockatiel'], '^src/cluster/'),
    owner('express', ['express'], '^src/(app\\.ts|ops/)'),
    owner('commander', ['commander'], ['^src/commands(/|\\.ts$)', '^src/local-cluster/command\\.ts$']),
    owner('zod', ['zod'], '^src/config/'),
    owner('yaml', ['yaml'], '^src/config/'),
    owner('prom-client', ['prom-client'], '^src/ops/'),
    owner('pino', ['pino'], '^src/ops/'),
    owner('opentelemetry', ['@opentelemetry'], '^src/ops/trace\\.ts$'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
