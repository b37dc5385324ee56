import { fields } from './json-values.ts'
import type { Handler } from './requests.ts'

/** `GET|HEAD /`: the server's own words, with honest ones where it names a build. */
export const serverInfo: Handler =
  ({ version }) =>
  () => ({
    status: 200,
    prettyByDefault: true,
    body: fields({
      name: 'embedded-store',
      cluster_name: 'embedded-store',
      cluster_uuid: 'embedded-store-0000000',
      version: fields({
        distribution: 'opensearch',
        number: version,
        build_type: 'embedded',
        build_hash: 'none',
        build_date: '1970-01-01T00:00:00Z',
        build_snapshot: false,
        lucene_version: 'none',
        minimum_wire_compatibility_version: '2.19.0',
        minimum_index_compatibility_version: '2.0.0',
      }),
      tagline: 'The OpenSearch Project: https://opensearch.org/',
    }),
  })
