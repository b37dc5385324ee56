import { createRequire } from 'node:module'

import type * as officialClient from '@opensearch-project/opensearch'

const require = createRequire(import.meta.url)

function load(part: string): unknown {
  return require(`@opensearch-project/opensearch/lib/${part}`)
}

type Official = typeof officialClient

// The whole package loads a file for each of the server's 500 APIs, none of which is called here: 13 MiB and a fifth of a start, measured on Node 24.
export const errors = load('errors.js') as Official['errors']
export const Connection = load('Connection.js') as Official['Connection']
export type Connection = officialClient.Connection
export type ConnectionPool = officialClient.ConnectionPool
export const { ConnectionPool } = load('pool/index.js') as Pick<Official, 'ConnectionPool'>
export const Serializer = load('Serializer.js') as Official['Serializer']
