import { join } from 'node:path'

/** The command line that the suites start: of the sources, or with `TEST_BUILT=1` what `npm run build` made of them. */
export const CLI = join(import.meta.dirname, '../..', process.env['TEST_BUILT'] === '1' ? 'dist/cli.js' : 'src/cli.ts')
