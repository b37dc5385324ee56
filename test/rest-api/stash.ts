import { isObject, javaText } from './json.ts'
import type { Json } from './json.ts'

const EMBEDDED = /\$\{([^}]+)\}/g

/** What a test has put aside, and how its `$name` and `${name}` are replaced. */
export class Stash {
  readonly #values = new Map<string, Json>()

  set(name: string, value: Json): void {
    this.#values.set(name, value)
  }

  /** Values in texts, lists, and names and members of objects. */
  replace(value: Json): Json {
    if (typeof value === 'string') return this.#replaceText(value)
    if (Array.isArray(value)) return value.map((item) => this.replace(item))
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [javaText(this.#replaceText(name)), this.replace(member)]),
    )
  }

  #replaceText(text: string): Json {
    if (text.startsWith('$') && !text.startsWith('${') && text !== '$body' && text.length > 1)
      return this.#get(text.slice(1))
    return text.replace(EMBEDDED, (_, name: string) => javaText(this.#get(name)))
  }

  #get(name: string): Json {
    const whole = this.#values.get(name)
    if (whole !== undefined) return whole
    const [first = '', ...rest] = splitPath(name)
    const value = evaluate(this.#values.get(first), rest)
    if (value === undefined) throw new Error(`Nothing was put aside as ${name}`)
    return value
  }
}

/** `a.b\.c.0` in its parts. */
export function splitPath(path: string): string[] {
  return [...path.matchAll(/(?:[^.\\]|\\.)+/g)].map(([part]) => part.replaceAll('\\.', '.'))
}

/** What is at the path; `undefined` where nothing is. Throws where a list has no such place. */
export function evaluate(value: Json | undefined, parts: readonly string[]): Json | undefined {
  return parts.reduce<Json | undefined>((here, part) => {
    if (Array.isArray(here)) {
      const found = here[part === '_arbitrary_key_' ? 0 : Number(part)]
      if (found === undefined) throw new Error(`A list of ${here.length} has no place ${part}`)
      return found
    }
    if (!isObject(here)) return undefined
    if (part === '_arbitrary_key_') return Object.keys(here)[0]
    return Object.hasOwn(here, part) ? here[part] : undefined
  }, value)
}
