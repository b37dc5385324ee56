/** Where records go. */
export interface AuditSink {
  /**
   * Puts whole lines at the end, as durably as the sink was opened for.
   * @throws WriteFailure
   */
  write(text: string): Promise<void>
  /** The file was renamed: what comes next goes into a new one. */
  reopen(): void
  close(): Promise<void>
}

/** Not all was written, or not durably. */
export class WriteFailure extends Error {
  override readonly name = 'WriteFailure'
  /** Of the text, from its beginning, that are there nevertheless. */
  readonly bytes: number

  constructor(bytes: number, cause: unknown) {
    super('The audit cannot be written', { cause })
    this.bytes = bytes
  }
}

/** Lines on stdout, beside those of the log. */
export function openStdoutSink(stream: NodeJS.WritableStream = process.stdout): AuditSink {
  // Who writes learns of it.
  stream.on('error', () => undefined)
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => (error ? reject(new WriteFailure(0, error)) : resolve()))
      }),
    reopen: () => undefined,
    close: () => Promise.resolve(),
  }
}
