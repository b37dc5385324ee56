import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { FILE_SETTINGS } from './file-settings.ts'
import type { ConfigProblem } from './problem.ts'
import { mapValues } from './walk.ts'

/**
 * Puts files in place of their names, in the whole tree, whatever else is wrong with it.
 * @param onFile told of each file whose content is part of the configuration, by its absolute path
 */
export function readNamedFiles(
  tree: unknown,
  folder: string,
  problems: ConfigProblem[],
  onFile: (path: string) => void,
): unknown {
  const read = (name: string, path: string): string | undefined => {
    const file = resolve(folder, name)
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      const message = `the file ${file} cannot be read (${codeOf(error)}); give its path relative to this file`
      problems.push({ path, message })
      return undefined
    }
  }
  return mapValues(tree, (value, { path, setting }) => {
    const use = FILE_SETTINGS[setting]
    if (use === undefined || typeof value !== 'string' || value === '') return value
    const isNamed = value.startsWith('file:')
    const name = isNamed ? value.slice('file:'.length) : value
    switch (use) {
      case 'own path':
        return resolve(folder, value)
      case 'path':
        onFile(resolve(folder, value))
        return resolve(folder, value)
      case 'content':
        onFile(resolve(folder, value))
        return read(value, path) ?? value
      case 'secret':
        if (!isNamed) return value
        onFile(resolve(folder, name))
        return read(name, path)?.trimEnd() ?? value
      case 'renewed secret':
        if (!isNamed) return value
        read(name, path)
        return `file:${resolve(folder, name)}`
    }
  })
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unreadable'
}
