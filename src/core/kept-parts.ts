/** A part that somebody holds, and gives back once. */
export interface Held<Part> {
  readonly part: Part
  /** Resolves once the part is closed, where nobody else holds it. */
  release(): Promise<void>
}

/** Parts that cost something to open, or that know something: where nothing about their settings has changed the same one goes on. */
export interface KeptParts<Settings, Part> {
  /** The part of these settings, which is opened if nobody holds one. */
  hold(settings: Settings): Held<Part>
}

interface Options<Settings, Part> {
  readonly isEqual: (left: Settings, right: Settings) => boolean
  readonly open: (settings: Settings) => Part
  /** Called when the last one who held a part has given it back. */
  readonly close: (part: Part) => void | Promise<void>
}

export function keepParts<Settings, Part>(options: Options<Settings, Part>): KeptParts<Settings, Part> {
  const kept = new Set<{ readonly settings: Settings; readonly part: Part; holders: number }>()
  return {
    hold(settings) {
      const known = [...kept].find((one) => options.isEqual(one.settings, settings))
      const entry = known ?? { settings, part: options.open(settings), holders: 0 }
      kept.add(entry)
      entry.holders += 1
      let isHeld = true
      return {
        part: entry.part,
        async release() {
          if (!isHeld) return
          isHeld = false
          entry.holders -= 1
          if (entry.holders > 0) return
          kept.delete(entry)
          await options.close(entry.part)
        },
      }
    },
  }
}
