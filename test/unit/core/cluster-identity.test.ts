import { describe, expect, test } from '@jest/globals'

import { proxyHeaders } from '../../../src/core/cluster-identity.ts'
import type { Principal } from '../../../src/core/principal.ts'

function principal(subject: string, backendRoles: readonly string[] = []): Principal {
  return {
    subject,
    issuer: 'i',
    scopes: new Set(),
    roles: ['not-sent'],
    backendRoles,
    container: undefined,
    containers: [],
    claims: new Map(),
    expiresAt: 0,
  }
}

describe('the headers of proxy authentication', () => {
  test('name the subject and its backend roles', () => {
    expect(proxyHeaders(principal('idp:carol', ['team a', 'b']))).toEqual({
      'x-proxy-user': 'idp:carol',
      'x-proxy-roles': 'team a,b',
    })
    expect(proxyHeaders(principal('CN=carol,O=x'))).toEqual({ 'x-proxy-user': 'CN=carol,O=x' })
  })

  test.each(['', ' carol', 'carol ', 'ca\nrol', 'ca\r\nx-proxy-roles: admin', 'zoë', 'ca\0rol', 'ca\trol'])(
    'are not made for the name %j, nor for such a role',
    (name) => {
      expect(() => proxyHeaders(principal(name))).toThrow('cannot be passed on')
      expect(() => proxyHeaders(principal('carol', [name]))).toThrow('cannot be passed on')
    },
  )

  test('are not made for a role with a comma, which would be two', () => {
    expect(() => proxyHeaders(principal('carol', ['a,admin']))).toThrow('cannot be passed on')
  })
})
