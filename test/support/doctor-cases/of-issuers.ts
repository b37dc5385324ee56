import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { DoctorGround } from '../doctor-ground.ts'
import type { Case, IssuerInput } from '../doctor-world.ts'
import { serving } from '../key-server.ts'

const keySetOf = ({ world }: DoctorGround): unknown => JSON.parse(readFileSync(join(world.folder, 'jwks.json'), 'utf8'))

function publish({ keys }: DoctorGround, document: unknown): Partial<IssuerInput> {
  keys.behave(serving({ '/keys': document }))
  return { jwks: { uri: `${keys.origin}/keys` } }
}

const keysMissing: Case = {
  id: 'keys-unavailable',
  severity: 'error',
  when: 'the key server answers 404',
  provoke(ground) {
    const issuer = publish(ground, keySetOf(ground))
    ground.keys.behave(serving({}))
    return {
      config: ground.config({ issuer }),
      follow() {
        publish(ground, keySetOf(ground))
        return undefined
      },
    }
  },
}

const otherIssuer: Case = {
  id: 'keys-unavailable',
  severity: 'error',
  when: 'the discovery document is that of another issuer',
  provoke(ground) {
    const { keys, config } = ground
    const discover = (issuer: string): undefined => {
      const document = { issuer, jwks_uri: `${keys.origin}/keys` }
      keys.behave(serving({ '/.well-known/openid-configuration': document, '/keys': keySetOf(ground) }))
      return undefined
    }
    discover('https://another.test')
    return {
      config: config({ issuer: { issuer: keys.origin, discovery: true } }),
      follow: () => discover(keys.origin),
    }
  },
}

const otherAlgorithm: Case = {
  id: 'keys-do-not-fit',
  severity: 'error',
  when: 'the issuer signs with another algorithm',
  provoke(ground) {
    const issuer = publish(ground, keySetOf(ground))
    const other = ground.world.algorithm === 'ES256' ? 'RS256' : 'ES256'
    return {
      config: ground.config({ issuer: { ...issuer, algorithms: [other] } }),
      follow: () => ground.config({ issuer }),
    }
  },
}

const otherClock: Case = {
  id: 'clock-skew',
  severity: 'warning',
  when: 'the clock of the key server is an hour ahead',
  provoke(ground) {
    let aheadMs = 3_600_000
    ground.keys.behave((_request, response) => {
      response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString())
      response.end(JSON.stringify(keySetOf(ground)))
    })
    return {
      config: ground.config({ issuer: { jwks: { uri: `${ground.keys.origin}/skewed` } } }),
      follow() {
        aheadMs = 0
        return undefined
      },
    }
  },
}

/** They are the same before any cluster. */
export const CASES_OF_ISSUERS: readonly Case[] = [keysMissing, otherIssuer, otherAlgorithm, otherClock]
