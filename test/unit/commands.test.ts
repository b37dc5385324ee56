import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'

import { runCommand } from '../../src/commands.ts'

let printed = ''
beforeEach(() => {
  printed = ''
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      printed += String(text)
      return true
    })
  }
})
afterEach(() => {
  jest.restoreAllMocks()
})

async function run(...words: string[]): Promise<{ code: number; out: string }> {
  printed = ''
  const code = await runCommand(['node', 'memory-gateway', ...words], {})
  return { code, out: printed }
}

test('--help of every command has an example, and all exit codes are told', async () => {
  const { code, out } = await run('--help')
  expect(code).toBe(0)
  expect(out).toContain('Exit codes: 0 done, 1 it failed, 2 bad command line or configuration')
  const commands = [...out.slice(out.indexOf('Commands:')).matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name ?? '')
  expect(commands).toEqual(expect.arrayContaining(['start', 'check', 'explain', 'doctor', 'schema', 'token', 'demo']))
  for (const name of commands.filter((one) => one !== 'help')) {
    const help = await run(name, '--help')
    expect([name, help.code, help.out]).toEqual([
      name,
      0,
      expect.stringMatching(/\nExamples?:\n {2}(?:\S+=\S+ )?memory-gateway /),
    ])
  }
})

test.each([[['begin']], [['check']], [['start', '--config']], [['token', '--subject', 'alice']]])(
  'a command line that is none, %j, is 2',
  async (words) => {
    expect((await run(...words)).code).toBe(2)
  },
)

test('erase refuses a command line that names nobody, or no field, with what to write', async () => {
  const erase = (...words: string[]) => run('erase', '--config', 'nothing.yaml', ...words)
  expect((await erase()).code).toBe(2)
  expect(await erase('--subject', '')).toEqual({ code: 2, out: expect.stringContaining('subject') as unknown })
  const field = await erase('--subject', 'a', '--namespace', 'user_id')
  expect(field).toEqual({ code: 2, out: expect.stringContaining('user_id=alice') as unknown })
})
