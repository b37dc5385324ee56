/** What a program of ours that a test starts has of this process: where programs are, and what was compiled of it before (jest.config.js). */
export const CHILD_ENVIRONMENT: NodeJS.ProcessEnv = Object.fromEntries(
  ['PATH', 'NODE_COMPILE_CACHE'].map((name) => [name, process.env[name]]),
)
