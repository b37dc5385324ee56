import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

import { configJsonSchema } from '../../../src/config/json-schema.ts'

test('the JSON Schema in config/ is the one that the code makes: npm run schema', () => {
  const file = join(import.meta.dirname, '../../../config/gateway.schema.json')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(configJsonSchema())))
})
