import type * as officialClient from '@opensearch-project/opensearch'
import connection from '@opensearch-project/opensearch/lib/Connection.js'
import clientErrors from '@opensearch-project/opensearch/lib/errors.js'
import pools from '@opensearch-project/opensearch/lib/pool/index.js'
import serializer from '@opensearch-project/opensearch/lib/Serializer.js'

type Official = typeof officialClient

// The whole package loads a file for each of the server's 500 APIs, none of which is called here: 13 MiB and a fifth of a start, measured on Node 24.
// What these files export is CommonJS (`module.exports`), which their types say otherwise.
export const errors = clientErrors
export const Connection = connection as unknown as Official['Connection']
export type Connection = officialClient.Connection
export type ConnectionPool = officialClient.ConnectionPool
export const { ConnectionPool } = pools as unknown as Pick<Official, 'ConnectionPool'>
export const Serializer = serializer as unknown as Official['Serializer']
