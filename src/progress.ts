/** Told in a line what is being done. */
export type OnProgress = (message: string) => void

/** The part of a terminal's or pipe's stream that the printer needs. */
interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

type Env = Readonly<Record<string, string | undefined>>

export interface ProgressPrinter {
  readonly show: OnProgress
  /** Ends the updating line, so that others can write. */
  readonly end: () => void
}

/**
 * On a terminal one line that changes; elsewhere a line for each message, and so in a build (`CI`), whose log keeps what a terminal would overwrite,
 * and where `TERM` is `dumb`. There are no colours that `NO_COLOR` could take away.
 */
export function progressPrinter(output: Output, env: Env = process.env): ProgressPrinter {
  const canRedraw = output.isTTY === true && env['TERM'] !== 'dumb' && !isSet(env['CI'])
  let dirty = false
  return {
    show: (message) => {
      if (!canRedraw) {
        output.write(`${message}\n`)
        return
      }
      // Some terminals say that they have 0 columns.
      const columns = Math.max(output.columns ?? 0, 40)
      output.write(`\r\x1b[2K${message.slice(0, columns - 1)}`)
      dirty = true
    },
    end: () => {
      if (dirty) output.write('\r\x1b[2K')
      dirty = false
    },
  }
}

const isSet = (value: string | undefined): boolean => !['', '0', 'false', undefined].includes(value)
