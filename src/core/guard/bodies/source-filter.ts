import { isJsonObject } from '../../strict-json.ts'

/** Whether a value of `_source` is one of those that the server documents: a flag, a field, fields, or what to include and exclude. */
export function isSourceFilter(value: unknown): boolean {
  if (typeof value === 'boolean' || value === null || isTexts(value)) return true
  if (!isJsonObject(value)) return false
  return Object.entries(value).every(([key, texts]) => {
    return ['includes', 'include', 'excludes', 'exclude'].includes(key) && isTexts(texts)
  })
}

/** A text, or a list of texts. */
export function isTexts(value: unknown): boolean {
  return typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}
