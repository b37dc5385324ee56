import type { Engine, UpgradingEngine } from './engine.ts'
import { promisesTrailers } from './trailers.ts'

/**
 * An engine for one that sends no trailers (undici writes the last chunk itself) and upgrades no connections: such requests, and only those, go by another,
 * which is opened for the first of them.
 */
export function withHelpOf(engine: Engine, open: () => Promise<UpgradingEngine>): UpgradingEngine {
  let other: Promise<UpgradingEngine> | undefined
  let upgraded = (): number => 0
  const openOther = (): Promise<UpgradingEngine> =>
    (other ??= open().then((opened) => {
      upgraded = opened.upgraded
      return opened
    }))
  return {
    async forward(request, response, headers, body, watch) {
      if (!promisesTrailers(headers)) return engine.forward(request, response, headers, body, watch)
      return (await openOther()).forward(request, response, headers, body, watch)
    },
    forwardUpgrade: async (...asked) => (await openOther()).forwardUpgrade(...asked),
    upgraded: () => upgraded(),
    async close() {
      await Promise.all([engine.close(), other?.then((opened) => opened.close())])
    },
  }
}
