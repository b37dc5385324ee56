import type { BodyKind, RouteClass } from './decision.ts'
import rows from './routes.json' with { type: 'json' }

/** An API of the server, with all of its routes. */
export interface ApiRow {
  /** Its name in the specification. */
  readonly api: string
  readonly class: RouteClass
  /** What it may touch: no index at all, those that the request names, or any: then nothing in a request bounds it. */
  readonly reach: 'nothing' | 'named' | 'any'
  /** Parameters, of the path or the query, that name indices, data streams or aliases; `a|b`: `b` only where there is no `a`. */
  readonly indices?: readonly string[]
  /** What a request that names none reaches. */
  readonly absent?: 'all' | 'none'
  /** Parameters of the query that make a request which names no index reach all of them, but with this value. */
  readonly widens?: Readonly<Record<string, string>>
  /** Parameters, of the path or the query, in which `_all` means what belongs to everybody. */
  readonly everybodys?: readonly string[]
  readonly body: BodyKind
  /** Methods of each path template. */
  readonly routes: Readonly<Record<string, readonly string[]>>
}

/** All routes of the server and of its plugins that the specifications name; made by `npm run routes`. */
export const API_ROWS = rows as readonly ApiRow[]
