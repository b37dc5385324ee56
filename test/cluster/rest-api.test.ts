import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'

import { listFiles } from '../rest-api/load-tests.ts'
import { differenceOf, openRestWorld } from '../rest-api/world.ts'
import type { Compared, RestWorld } from '../rest-api/world.ts'

/** The document and search APIs; `npm run test:rest-api` runs all of the suite. */
const SELECTION = [
  ...['bulk', 'exists', 'msearch', 'scroll'],
  ...['count/10_basic', 'create/10_with_id', 'create/35_external_version', 'create/40_routing'],
  ...['delete/10_basic', 'delete/12_result', 'delete/20_cas', 'delete/30_routing', 'delete/60_missing'],
  ...['get/10_basic', 'get/15_default_values', 'get/40_routing', 'get/70_source_filtering', 'get/80_missing'],
  ...[
    'index/10_with_id',
    'index/15_without_id',
    'index/20_optype',
    'index/30_cas',
    'mget/10_basic',
    'mget/17_default_index',
  ],
  ...['update/10_doc', 'update/20_doc_upsert', 'update/22_doc_as_upsert', 'update/35_if_seq_no'],
  ...['search/10_source_filtering', 'search/20_default_values', 'search/30_limits', 'search/90_search_after'],
].map((name) => (name.includes('/') ? `${name}.yml` : name))

/** Of the suite of 3.1.0, what later servers do not pass themselves: their words are others. */
const OUTGROWN: Readonly<Record<string, readonly string[]>> = {
  '3.8.0': ['search/30_limits.yml, Request with size exceeding max integer value'],
}

describe("the server's own REST tests of documents and search", () => {
  let world: RestWorld
  const compared: Compared[] = []
  beforeAll(async () => {
    world = await openRestWorld()
    for (const file of await listFiles(world.suite, SELECTION)) compared.push(...(await world.runFile(file)))
  }, 300_000)
  afterAll(() => world.close())

  test('have the same outcome and the same answers through the gateway as without it', () => {
    const differences = compared.flatMap((one) => {
      const difference = differenceOf(one)
      return difference === undefined ? [] : [`${one.test.file}, ${one.test.name}: ${difference}`]
    })
    expect(differences).toEqual([])
  })

  test('pass, all of those that are for this version of the server', () => {
    const failed = compared.filter(({ direct }) => direct.result === 'failed')
    const outgrown = OUTGROWN[process.env['OPENSEARCH_VERSION'] ?? ''] ?? []
    const unexpected = failed.filter(({ test: { file, name } }) => !outgrown.includes(`${file}, ${name}`))
    expect(unexpected.map(({ test: { file, name }, direct }) => `${file}, ${name}: ${direct.reason ?? ''}`)).toEqual([])
    expect(failed).toHaveLength(outgrown.length)
    expect(compared.filter(({ through }) => through.result === 'passed').length).toBeGreaterThan(80)
  })
})
