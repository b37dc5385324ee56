import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { runTool } from '../tools/prepare-tool.ts'

const ROOT = join(import.meta.dirname, '../../..')
const NAME = 'memory-gateway.service'
const unit = readFileSync(join(ROOT, 'deploy/systemd', NAME), 'utf8')
const valuesOf = (key: string): string[] =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')

test('a reload checks the configuration first, and a configuration that is not good is not started again and again', () => {
  const [start] = valuesOf('ExecStart')
  const config = /--config \S+/.exec(start ?? '')?.[0]
  expect(valuesOf('ExecReload')).toEqual([
    expect.stringContaining(`memory-gateway check ${config ?? '?'}`),
    '/bin/kill -HUP $MAINPID',
  ])
  expect(valuesOf('RestartPreventExitStatus')).toEqual(['2'])
})

test('a gateway that stops has the time that limits.drain gives it', () => {
  expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(30 + 5)
})

const SYSTEMD = '/usr/bin/systemd-analyze'
const withSystemd = existsSync(SYSTEMD) ? describe : describe.skip
if (!existsSync(SYSTEMD)) process.stderr.write(`skipped: no ${SYSTEMD} (Debian and Ubuntu: systemd)\n`)

withSystemd('systemd itself', () => {
  let root: string

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'memory-gateway-systemd-'))
    const units = ['/lib/systemd/system', '/usr/lib/systemd/system'].find((folder) => existsSync(folder)) ?? ''
    cpSync(units, join(root, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true })
    mkdirSync(join(root, 'etc/systemd/system'), { recursive: true })
    for (const command of [...valuesOf('ExecStart'), ...valuesOf('ExecReload')]) {
      const program = join(root, command.split(' ')[0] ?? '')
      mkdirSync(dirname(program), { recursive: true })
      writeFileSync(program, '')
      chmodSync(program, 0o755)
    }
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const place = (text: string): void => writeFileSync(join(root, 'etc/systemd/system', NAME), text)

  test('finds nothing wrong with the unit, and would have', async () => {
    place(unit)
    expect(await runTool([SYSTEMD], ['verify', `--root=${root}`, NAME])).toBe('')
    place(unit.replace('ProtectSystem=strict', 'ProtectSystem=strikt'))
    expect(await runTool([SYSTEMD], ['verify', `--root=${root}`, NAME])).toContain('strikt')
  })

  test('rates what the service could do if it were taken over below 2 of 10', async () => {
    place(unit)
    await runTool([SYSTEMD], ['security', '--offline=true', '--no-pager', `--root=${root}`, '--threshold=20', NAME])
    place(unit.replace(/^(CapabilityBoundingSet|SystemCallFilter|PrivateUsers)=.*$/gm, ''))
    const exposed = runTool(
      [SYSTEMD],
      ['security', '--offline=true', '--no-pager', `--root=${root}`, '--threshold=20', NAME],
    )
    await expect(exposed).rejects.toThrow('Overall exposure level')
  })
})
