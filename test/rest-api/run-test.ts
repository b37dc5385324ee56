import { buildRequest, without } from './api-spec.ts'
import type { ApiSpec } from './api-spec.ts'
import { brief, COMPARISONS, isTrue, javaPattern } from './assertions.ts'
import { isObject, javaText } from './json.ts'
import type { Json } from './json.ts'
import type { RestTest, Step } from './load-tests.ts'
import type { RestAnswer, Sender } from './send.ts'
import { reasonToSkip } from './skip.ts'
import { evaluate, splitPath, Stash } from './stash.ts'

export interface Outcome {
  readonly result: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly reason?: string
  /** Every request in order, with the status of its answer: two runs of a test must have the same. */
  readonly trace: readonly string[]
}

/** Runs one test against one address: setup, its steps, and its teardown whatever happened. */
export async function runTest(test: RestTest, spec: ApiSpec, sender: Sender, version: string): Promise<Outcome> {
  const sections = [...test.setup, ...test.steps].filter(({ kind }) => kind === 'skip')
  const skipped = sections.map(({ content }) => reasonToSkip(content, version)).find((reason) => reason !== undefined)
  if (skipped !== undefined) return { result: 'skipped', reason: skipped, trace: [] }
  const run = new Run(spec, sender)
  const reason = (await run.steps([...test.setup, ...test.steps])) ?? undefined
  const after = await run.steps(test.teardown)
  const failed = reason ?? after
  return failed === undefined
    ? { result: 'passed', trace: run.trace }
    : { result: 'failed', reason: failed, trace: run.trace }
}

/** Statuses that the names of `catch` stand for; `request` is any other error. */
const CAUGHT: Readonly<Record<string, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  missing: 404,
  request_timeout: 408,
  conflict: 409,
  unavailable: 503,
}

/** What stands beside the call in a `do`. There is one node: whichever is selected, it is that one. */
const DO_OPTIONS = ['catch', 'headers', 'warnings', 'allowed_warnings', 'node_selector']

class Run {
  readonly trace: string[] = []
  readonly #stash = new Stash()
  readonly #spec: ApiSpec
  readonly #sender: Sender
  #last: RestAnswer | undefined

  constructor(spec: ApiSpec, sender: Sender) {
    this.#spec = spec
    this.#sender = sender
  }

  /** The first failure in words, with its step's number. */
  async steps(steps: readonly Step[]): Promise<string | undefined> {
    for (const [number, step] of steps.entries()) {
      try {
        await this.#step(step)
      } catch (error) {
        return `step ${number + 1} (${step.kind}): ${error instanceof Error ? error.message : String(error)}`
      }
    }
    return undefined
  }

  async #step({ kind, content }: Step): Promise<void> {
    const check = COMPARISONS[kind]
    if (check !== undefined) this.#compare(kind, check, content)
    else if (kind === 'do') await this.#do(content)
    else if (kind === 'is_true' || kind === 'is_false') this.#truth(kind, content)
    else if (kind === 'set' || kind === 'transform_and_set') this.#set(kind, content)
    else if (kind !== 'skip') throw new Error(`no such step`)
  }

  #compare(kind: string, check: (actual: Json | undefined, expected: Json) => boolean, content: Json): void {
    for (const [path, wanted] of membersOf(content)) {
      const actual = this.#at(path)
      const expected = this.#stash.replace(wanted)
      if (!check(actual, expected))
        throw new Error(`${kind} ${path}: expected ${brief(expected)}, got ${brief(actual)}`)
    }
  }

  #truth(kind: string, content: Json): void {
    const path = javaText(content ?? '')
    const actual = this.#at(path)
    if (isTrue(actual) !== (kind === 'is_true')) throw new Error(`${kind} ${path}: got ${brief(actual)}`)
  }

  #set(kind: string, content: Json): void {
    for (const [key, detail] of membersOf(content)) {
      if (kind === 'set') this.#stash.set(javaText(detail), this.#at(key) ?? null)
      else this.#stash.set(key, this.#transform(javaText(detail)))
    }
  }

  #transform(expression: string): Json {
    const [, user = '', password = ''] = /^#base64EncodeCredentials\(([^,]+),([^)]+)\)$/.exec(expression) ?? []
    if (user === '') return expression
    return Buffer.from(`${javaText(this.#at(user.trim()))}:${javaText(this.#at(password.trim()))}`).toString('base64')
  }

  /** In the last answer. An answer to HEAD has no body: its status says whether it is there. */
  #at(path: string): Json | undefined {
    const { body, method, status } = this.#last ?? {}
    if (path === '$body') return body
    if (path === '') return method === 'HEAD' ? (status ?? 500) < 400 : body
    const parts = splitPath(path.startsWith('$body.') ? path.slice('$body.'.length) : path)
    return evaluate(
      body,
      parts.map((part) => javaText(this.#stash.replace(part))),
    )
  }

  async #do(content: Json): Promise<void> {
    if (!isObject(content)) throw new Error('do takes an object')
    const { catch: caught, headers, warnings, allowed_warnings: allowed } = content
    const call = without(content, DO_OPTIONS)
    const [name, args] = Object.entries(call)[0] ?? ['', null]
    // A call that no client would send: the server's own runner does not send it either.
    if (caught === 'param') return
    const given = this.#stash.replace(isObject(args) ? args : {})
    await this.#call(name, isObject(given) ? given : {}, this.#stash.replace(headers ?? {}))
    this.#expectStatus(caught, isObject(given) ? given['ignore'] : undefined)
    this.#expectWarnings(listOf(warnings), listOf(allowed))
  }

  async #call(name: string, args: Record<string, Json>, headers: Json): Promise<void> {
    const request = buildRequest(this.#spec, name, args, this.trace.length)
    const texts = Object.fromEntries(membersOf(headers).map(([header, value]) => [header, javaText(value)]))
    this.#last = await this.#sender.send(request, texts)
    this.trace.push(`${request.method} ${request.path} ${this.#last.status}`)
    this.#stash.set('body', this.#last.body ?? null)
  }

  #expectStatus(caught: Json | undefined, ignored: Json | undefined): void {
    const { status = 0, method, body } = this.#last ?? {}
    const said = `${this.trace.at(-1) ?? ''} ${brief(body)}`
    if (caught === undefined) {
      const expected =
        status < 400 || (method === 'HEAD' && status === 404) || listOf(ignored).map(Number).includes(status)
      if (!expected) throw new Error(`answered ${said}`)
      return
    }
    if (status < 400) throw new Error(`expected an error (${brief(caught)}), answered ${said}`)
    if (!isCaught(javaText(caught), status, body)) throw new Error(`expected ${brief(caught)}, answered ${said}`)
  }

  #expectWarnings(wanted: readonly string[], allowed: readonly string[]): void {
    const got = this.#last?.warnings ?? []
    const unexpected = got.filter((warning) => !wanted.includes(warning) && !allowed.includes(warning))
    const missing = wanted.filter((warning) => !got.includes(warning))
    if (unexpected.length > 0 || missing.length > 0)
      throw new Error(`warnings: unexpected ${brief(unexpected)}, missing ${brief(missing)}`)
  }
}

function isCaught(caught: string, status: number, body: Json | undefined): boolean {
  const pattern = /^\s*\/(.*)\/\s*$/s.exec(caught)?.[1]
  if (pattern !== undefined) return isObject(body) && javaPatternAsIs(pattern).test(javaText(body['error']))
  if (caught === 'request') return !Object.values(CAUGHT).includes(status) || status === 503
  return CAUGHT[caught] === status
}

/** The pattern of a `catch` counts its blanks, that of a `match` does not. */
const javaPatternAsIs = (source: string): RegExp => {
  try {
    return new RegExp(source)
  } catch {
    return javaPattern(source)
  }
}

const membersOf = (value: Json): [string, Json][] => (isObject(value) ? Object.entries(value) : [])

function listOf(value: Json | undefined): string[] {
  if (value === undefined || value === null) return []
  return (Array.isArray(value) ? value : [value]).map(javaText)
}
