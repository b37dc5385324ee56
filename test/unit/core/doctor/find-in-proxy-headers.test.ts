import { expect, test } from '@jest/globals'

import type { ClusterFacts, ProxiedFacts } from '../../../../src/core/doctor/facts.ts'
import { findInProxyHeaders } from '../../../../src/core/doctor/find-in-proxy-headers.ts'

const hidden: ProxiedFacts = { isBelieved: false, takenFor: undefined, address: '10.1.2.3', settings: undefined }
const settings = { domains: [], isXffEnabled: true, xffHeader: 'x-forwarded-for', internalProxies: undefined }

function found(proxied: ProxiedFacts | undefined): readonly string[] {
  const cluster = { name: 'main', proxied } as Partial<ClusterFacts> as ClusterFacts
  return findInProxyHeaders(cluster).map(({ seen, means, remedy }) => `${seen}. ${means}. ${remedy.text}`)
}

test('nothing where the headers are believed, or nobody knows', () => {
  expect(found({ ...hidden, isBelieved: true })).toEqual([])
  expect(found(undefined)).toEqual([])
})

test('where the configuration may not be read all that has to be in it is said', () => {
  const [said = ''] = found(hidden)
  expect(said).toContain('is answered with 401; its configuration is not for the service identity to read')
  expect(said).toMatch(
    /type: proxy.*before any that challenges, config\.dynamic\.http\.xff\.enabled: true, and .*10\.1\.2\.3/,
  )
})

test('who is taken for somebody else is told for whom', () => {
  expect(found({ ...hidden, takenFor: 'CN=client' })[0]).toContain('has the rights of CN=client, whoever calls')
})

test('a domain that reads another header is named, with the header', () => {
  const domains = [{ name: 'old', userHeader: 'x-user', behind: undefined }]
  expect(found({ ...hidden, settings: { ...settings, domains } })[0]).toContain('reads x-proxy-user; old reads x-user')
})
