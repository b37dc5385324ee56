import { beginCollecting } from '../../support/collected.ts'
import { findTool, TOOLS } from './prepare-tool.ts'

/** Jest's globalSetup: in CI all checkers are fetched at once, while other tests run; a test that needs one waits for it, or fails with the reason. */
export default function fetchTools(): void {
  beginCollecting()
  if (process.env['CI'] !== 'true') return
  for (const tool of TOOLS) findTool(tool).catch(() => undefined)
}
