import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { LocalClusterError } from '../../../src/local-cluster/local-cluster-error.ts'
import { log4jCore, securityPart, serverModules, serverParts } from '../../../src/local-cluster/maven-project.ts'
import { parseVersion, requireSecurityPluginFor, securityPluginFor } from '../../../src/local-cluster/versions.ts'

describe('the version to start', () => {
  test.each([
    [undefined, '3.4.0'],
    ['', '3.4.0'],
    ['3.8.0', '3.8.0'],
    ['2.19.4', '2.19.4'],
    ['10.0.0', '10.0.0'],
  ])('%p is %s', (asked, version) => {
    expect(parseVersion(asked)).toBe(version)
  })

  test.each(['latest', '3', '3.4', '2.18.0', '1.3.20', '3.4.0-SNAPSHOT', '3.4.0/../..', '3.4.0</version>', ' 3.4.0'])(
    '%p is refused',
    (asked) => {
      expect(() => parseVersion(asked)).toThrow(LocalClusterError)
      expect(() => parseVersion(asked)).toThrow(`"${asked}" is not a version of OpenSearch that can be started here`)
    },
  )

  test('with security it has to be one whose plugin is published', () => {
    expect(requireSecurityPluginFor('3.4.0')).toBe('3.4.0.0')
    expect(requireSecurityPluginFor('2.19.4')).toBe('2.19.4.0')
    expect(securityPluginFor('3.8.0')).toBeUndefined()
    expect(() => requireSecurityPluginFor('3.8.0')).toThrow(
      /^OpenSearch 3\.8\.0 can only be started without security: .*Versions with one: 3\.4\.0, 2\.19\.4, 2\.19\.3$/,
    )
  })
})

describe('what a server is made of', () => {
  test('3.x has an agent, 2.x has none and other names for its modules', () => {
    const folders = (version: string) => serverParts(version).map(({ folder }) => folder)
    expect(folders('3.4.0')).toContain('agent')
    expect(folders('2.19.4')).toEqual(folders('3.4.0').filter((folder) => folder !== 'agent'))
    expect(serverModules('3.4.0')[0]?.className).toBe('org.opensearch.transport.Netty4ModulePlugin')
    expect(serverModules('2.19.4')[0]?.className).toBe('org.opensearch.transport.Netty4Plugin')
  })

  test('log4j-core comes in the version of the log4j-api that came along', () => {
    const libraries = ['log4j-jul-2.25.4.jar', 'log4j-api-2.25.4.jar', 'lucene-core-10.5.0.jar']
    expect(log4jCore(libraries)?.artifacts).toEqual(['org.apache.logging.log4j:log4j-core:2.25.4'])
    expect(log4jCore(['lucene-core-10.5.0.jar'])).toBeUndefined()
  })

  test('the security plugin comes as a zip', () => {
    expect(securityPart('3.4.0.0').artifacts[0]).toBe('org.opensearch.plugin:opensearch-security:3.4.0.0:zip')
  })
})

describe('npm run opensearch', () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['src/local-cluster/command.ts', ...args]).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    )

  test('has help with examples', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toContain('npm run opensearch -- --secured --port 9200')
  })

  test('ends with 1 and a plain sentence when it cannot start what was asked for', async () => {
    const { code, stdout, stderr } = await run('--secured', '--version', '3.8.0')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^OpenSearch 3\.8\.0 can only be started without security: [^\n]+\n$/)
  })
})
