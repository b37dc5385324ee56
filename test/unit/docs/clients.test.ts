import { readFile } from 'node:fs/promises'

import { expect, test } from '@jest/globals'

const root = new URL('../../../', import.meta.url)
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8')

test.each([
  ['ts', 'javascript/script.ts'],
  ['python', 'python/script.py'],
  ['go', 'go/script.go'],
  ['java', 'java/src/main/java/Script.java'],
])('the example in %s is what the client test runs', async (language, path) => {
  const page = await read('docs/clients.md')
  const script = await read(`test/clients/${path}`)
  const region = /^[ \t]*(?:\/\/|#) docs: connect\n(.*?)^[ \t]*(?:\/\/|#) docs: end$/ms.exec(script)?.[1] ?? ''
  const lines = region.trimEnd().split('\n')
  const indent = Math.min(...lines.filter((line) => line !== '').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0))
  const example = lines.map((line) => line.slice(indent)).join('\n')
  expect(example.length).toBeGreaterThan(50)
  expect(page).toContain(`\`\`\`${language}\n${example}\n\`\`\``)
})
