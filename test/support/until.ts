/** No more than a generous limit of liveness: what is waited for comes, or the test fails. */
const LIVENESS_MS = 20_000

/**
 * Waits for a condition that nothing reports.
 * @throws Error when it does not come true
 */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = LIVENESS_MS): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`did not come true: ${condition.toString()}`)
    await new Promise((wake) => setTimeout(wake, 2))
  }
}
