import type { Engine } from './engine.ts'
import { promisesTrailers } from './trailers.ts'

/**
 * An engine for one that sends no trailers (undici writes the last chunk itself): requests that promise some, and only those, go by another,
 * which is opened for the first of them.
 */
export function withTrailersBy(engine: Engine, open: () => Promise<Engine>): Engine {
  let other: Promise<Engine> | undefined
  return {
    async forward(request, response, headers, body) {
      if (!promisesTrailers(headers)) return engine.forward(request, response, headers, body)
      other ??= open()
      return (await other).forward(request, response, headers, body)
    },
    async close() {
      await Promise.all([engine.close(), other?.then((opened) => opened.close())])
    },
  }
}
