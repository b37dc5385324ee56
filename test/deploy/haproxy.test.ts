import { expect, test } from '@jest/globals'

import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { runTool } from './tools/prepare-tool.ts'

const HAPROXY = '/usr/sbin/haproxy'
const withHaproxy = existsSync(HAPROXY) ? test : test.skip
if (!existsSync(HAPROXY)) process.stderr.write(`skipped: no ${HAPROXY} (Debian and Ubuntu: haproxy)\n`)

withHaproxy('HAProxy takes deploy/haproxy/haproxy.cfg', async () => {
  const path = join(import.meta.dirname, '../../deploy/haproxy/haproxy.cfg')
  expect(await runTool([HAPROXY], ['-c', '-f', path])).not.toMatch(/ALERT|WARNING/)
})
