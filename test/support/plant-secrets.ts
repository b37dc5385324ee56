import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { FILE_SETTINGS } from '../../src/config/file-settings.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { mapValues } from '../../src/config/walk.ts'
import { plant } from './planted.ts'

type Service = ConfigInput['clusters'][string]['service']

interface WithClusters {
  readonly clusters?: Readonly<Record<string, { readonly service: Service }>>
}

/**
 * Plants every password, token and private key of a configuration, as it is written or as it was read.
 * @param folder where it stands, or would
 */
export function plantSecretsOf(config: WithClusters, folder = '/'): void {
  const read = (path: string): string => {
    const whole = resolve(folder, path)
    return existsSync(whole) ? readFileSync(whole, 'utf8').trimEnd() : ''
  }
  mapValues(config, (value, { setting }) => {
    const use = FILE_SETTINGS[setting]
    if (typeof value !== 'string' || use === undefined) return value
    if (use.endsWith('secret')) plant(value.startsWith('file:') ? read(value.slice('file:'.length)) : value)
    // Of a key the first line says only that it is one.
    if (setting.endsWith('.key')) plant((value.startsWith('-----') ? value : read(value)).split('\n')[1] ?? '')
    return value
  })
  for (const { service } of Object.values(config.clusters ?? {})) {
    // As the gateway sends it.
    if (service.kind === 'basic') plant(Buffer.from(`${service.username}:${service.password}`).toString('base64'))
  }
}
