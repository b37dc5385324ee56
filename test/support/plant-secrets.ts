import { FILE_SETTINGS } from '../../src/config/file-settings.ts'
import type { ConfigFile } from '../../src/config/schema.ts'
import { mapValues } from '../../src/config/walk.ts'
import { plant } from './collected.ts'

/** Plants every password, token and key of a configuration. */
export function plantSecretsOf(config: ConfigFile): void {
  mapValues(config, (value, { setting }) => {
    const isKey = FILE_SETTINGS[setting] === 'content' && setting.endsWith('.key')
    if (typeof value !== 'string' || value.startsWith('file:')) return value
    if (FILE_SETTINGS[setting]?.endsWith('secret') === true) plant(value)
    if (isKey) plant(value.split('\n')[1] ?? '')
    return value
  })
}
