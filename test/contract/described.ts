import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { parse } from 'yaml'

import { DESCRIPTION, operationOf, pointerTo, resolved } from '../support/api-description.ts'
import type { AskedAnswer, Question } from './ask.ts'

interface DescribedResponse {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>
}
type Answered = Pick<AskedAnswer, 'status' | 'headers' | 'text'>

/** Of the connection and of the body, not of the answer. */
const NOT_DESCRIBED = [
  'cache-control',
  'date',
  'connection',
  'keep-alive',
  'content-length',
  'content-type',
  'transfer-encoding',
]
const OF_OURS = /^(?:x-memory|memory-|idempoten)/

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema({ ...DESCRIPTION, $id: 'openapi' }, 'openapi')
const validators = new Map<string, ValidateFunction>()

/**
 * What the API description does not say of an answer: its status, a header, or what its body breaks. Empty where it says all, and for a request
 * that is none of the described ones.
 */
export function undescribed({ method, target }: Question, answer: Answered): readonly string[] {
  const found = operationOf(method, target)
  if (found === undefined) return []
  if (found === 'otherMethod') return wrongMethod(method, answer)
  const { operation, path } = found
  const range = `${String(answer.status)[0] ?? ''}XX`
  const status = String(answer.status) in operation.responses ? String(answer.status) : range
  const reference = operation.responses[status]
  if (reference === undefined) return [`the status ${String(answer.status)}`]
  const response = resolved(reference) as DescribedResponse
  const isForwarded = operation['x-served-by'] === 'checked' || operation['x-served-by'] === 'cluster'
  const where =
    '$ref' in reference
      ? String(reference.$ref).slice(1)
      : pointerTo('paths', path, method.toLowerCase(), 'responses', status)
  return [...headerProblems(response, answer, isForwarded), ...bodyProblems(response, where, target, answer)]
}

/** Throws with all that {@link undescribed} says. */
export function requireDescribed(question: Question, answer: Answered): void {
  const problems = undescribed(question, answer)
  if (problems.length === 0) return
  const { method, target } = question
  const { status, text } = answer
  throw new Error(`openapi.yaml does not say of ${method} ${target}: ${problems.join('; ')}\n${String(status)} ${text}`)
}

/** Told of all paths at once, in the description's first words. */
function wrongMethod(method: string, { status, headers }: Answered): readonly string[] {
  // What comes before the method is looked at, and the server's own answer to OPTIONS.
  if ([400, 401, 403, 500, 503].includes(status) || (method === 'OPTIONS' && status === 200)) return []
  if (status !== 405) return [`the status ${String(status)} for a method that it does not have`]
  return headers.allow === undefined ? ['405 without Allow'] : []
}

function headerProblems({ headers = {} }: DescribedResponse, answer: Answered, isForwarded: boolean): string[] {
  const sent = Object.keys(answer.headers).filter((name) => !NOT_DESCRIBED.includes(name))
  const concerned = isForwarded ? sent.filter((name) => OF_OURS.test(name)) : sent
  const undeclared = concerned.filter((name) => !(name in headers)).map((name) => `the header ${name}`)
  const missing = Object.entries(headers)
    .filter(([name, header]) => isRequired(resolved(header)) && answer.headers[name] === undefined)
    .map(([name]) => `an answer without ${name}`)
  return [...undeclared, ...missing]
}

function isRequired(header: unknown): boolean {
  return typeof header === 'object' && header !== null && 'required' in header && header.required === true
}

function bodyProblems({ content }: DescribedResponse, where: string, target: string, answer: Answered): string[] {
  if (content === undefined) return answer.text === '' ? [] : ['a body']
  const type = (answer.headers['content-type'] ?? '').split(';')[0] ?? ''
  const media = content[type] === undefined ? '*/*' : type
  if (content[media] === undefined) return [`the content type ${type}`]
  // Errors are whole; of an answer that was cut to the caller's wish nothing more can be said.
  if (content[media].schema === undefined || (answer.status < 300 && /[?&;]filter_path/.test(target))) return []
  const value: unknown =
    type === 'application/yaml' ? parse(answer.text) : type.endsWith('json') ? JSON.parse(answer.text) : answer.text
  const pointer = `openapi#${where}${pointerTo('content', media, 'schema')}`
  const validate = validators.get(pointer) ?? ajv.compile({ $ref: pointer })
  validators.set(pointer, validate)
  return validate(value) ? [] : [ajv.errorsText(validate.errors, { dataVar: 'body' })]
}
