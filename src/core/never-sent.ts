/** Errors that came before anything of their request was sent. */
const neverSentErrors = new WeakSet()

/** Marks an error as one that came before anything was sent. */
export function neverSent(error: Error): Error {
  neverSentErrors.add(error)
  return error
}

/** Whether a request that failed with this error may have been carried out all the same. Errors of unknown origin say yes. */
export function mayHaveRun(error: unknown): boolean {
  return typeof error !== 'object' || error === null || !neverSentErrors.has(error)
}
