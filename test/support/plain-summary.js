/** Ends a run with the one plain line that machines read: `N passed, N failed`. */
export default class PlainSummary {
  /**
   * @param {unknown} _contexts
   * @param {import('@jest/reporters').AggregatedResult} results
   */
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    process.once('exit', () => {
      process.stdout.write(`${String(results.numPassedTests)} passed, ${String(failed)} failed\n`)
    })
  }
}
