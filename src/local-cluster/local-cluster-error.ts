/** Why no local cluster can be had: the message says what was looked for, where, and what to do. Meant for a person to read, as it is. */
export class LocalClusterError extends Error {
  override readonly name = 'LocalClusterError'
}
