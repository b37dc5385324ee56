import Sequencer from '@jest/test-sequencer'

import { LONGEST } from './longest-suites.js'

// Node gives the class where TypeScript sees the module that has it.
const JestSequencer = /** @type {typeof Sequencer.default} */ (/** @type {unknown} */ (Sequencer))

/** Jest's testSequencer: the longest suites first, the others as Jest has them (by the last run's times, else by the sizes of files). */
export default class LongestFirst extends JestSequencer {
  /**
   * @override
   * @param {Parameters<Sequencer.default['sort']>[0]} tests
   */
  async sort(tests) {
    const sorted = await super.sort(tests)
    return sorted.toSorted((one, other) => placeOf(one.path) - placeOf(other.path))
  }
}

/** @param {string} path */
function placeOf(path) {
  const place = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`))
  return place === -1 ? LONGEST.length : place
}
