import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { FILE_SETTINGS } from './file-settings.ts'
import type { ConfigProblem } from './problem.ts'
import { mapValues } from './walk.ts'

/** Told of a file by its absolute path, and of its content where it could be read. */
export type OnFile = (path: string, content: string | undefined) => void

/**
 * Puts files in place of their names, in the whole tree, whatever else is wrong with it.
 * @param onFile told of each file whose content is part of the configuration
 */
export function readNamedFiles(tree: unknown, folder: string, problems: ConfigProblem[], onFile: OnFile): unknown {
  const read = (name: string, path: string, tell: OnFile): string | undefined => {
    const file = resolve(folder, name)
    try {
      const content = readFileSync(file, 'utf8')
      tell(file, content)
      return content
    } catch (error) {
      tell(file, undefined)
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
        onFile(resolve(folder, value), contentOf(resolve(folder, value)))
        return resolve(folder, value)
      case 'content':
        return read(value, path, onFile) ?? value
      case 'secret':
        return isNamed ? (read(name, path, onFile)?.trimEnd() ?? value) : value
      case 'renewed secret':
        if (!isNamed) return value
        read(name, path, () => undefined)
        return `file:${resolve(folder, name)}`
    }
  })
}

/** `undefined` where the file cannot be read. */
export function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unreadable'
}
