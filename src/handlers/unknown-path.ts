import type { Route } from '../core/route.ts'
import type { Result } from '../wire/answer.ts'
import type { Work } from './work.ts'

type UnknownPath = Extract<Route, { kind: 'legacyOptions' | 'wrongMethod' | 'noHandler' | 'unknownLegacyPath' }>

/** Paths of ours that nothing is behind, methods that they do not have, and those that they do. */
export const answerUnknownPath: Work<UnknownPath> = {
  handle: (_parts, _exchange, route) => resultOf(route),

  foresee(_parts, { notes }, route) {
    notes.stage = 'target'
    return resultOf(route)
  },
}

function resultOf(route: UnknownPath): Result {
  switch (route.kind) {
    case 'legacyOptions':
      return { kind: 'options', allow: route.allow }
    case 'wrongMethod':
      return { kind: 'wrongMethod', allow: route.allow }
    case 'noHandler':
    case 'unknownLegacyPath':
      return { kind: route.kind }
  }
}
