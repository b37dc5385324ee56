import { expect } from '@jest/globals'

import { call } from '../call.ts'
import type { Case } from '../doctor-world.ts'
import { startTestGateway } from '../gateway.ts'

/** A secured cluster that reads no tokens is another cluster: see the table. */
export const CASES_OF_CALLERS: readonly Case[] = [
  {
    id: 'callers-unknown',
    severity: 'warning',
    when: 'callers go on with their own tokens, and the cluster looks at none',
    only: 'plain',
    provoke: ({ config, later }) => ({
      config: config({ cluster: { passThrough: { identity: 'caller' } } }),
      // Requests still come through.
      async follow({ settings }) {
        expect(settings).toEqual({ 'clusters.main.passThrough.identity': 'service' })
        const { main } = config().clusters
        if (main === undefined) throw new Error('it has one')
        const gateway = await startTestGateway({ cluster: main })
        later(() => gateway.close())
        const token = await gateway.token({ scopes: ['opensearch:read'] })
        expect(await call(gateway.url, { path: '/', token })).toMatchObject({ status: 200 })
        return undefined
      },
    }),
  },
]
