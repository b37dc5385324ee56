import type { IncomingMessage } from 'node:http'

import { isOfThisHop, pairsOf, saysWhoCalls, valuesOf } from './headers.ts'
import type { RawHeaders } from './headers.ts'

/**
 * What may not come behind a body, whoever declares it: what frames, routes, identifies, controls or describes a request must be known before
 * its body is read (RFC 9110 section 6.5.1), and a server that merges trailers into headers would act on it unseen.
 */
const NEVER =
  /^(?:host|pragma|range|max-forwards|authorization|cookie2?|set-cookie2?|age|date|expires|location|retry-after|vary|warning|x-request-id|traceparent|tracestate|via|origin|referer|x-http-method.*|x-method-override|(?:content|cache|if|accept|access-control|sec|www|x-client|x-original)-.*)$/
const TOKEN = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/
// As Node's own check: it throws at others, which HTTP/2 lets through.
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a field may go on as a trailer, by its name: in any case, and with `_` for `-`. */
export function mayTrail(name: string): boolean {
  if (!TOKEN.test(name) || isOfThisHop(name) || saysWhoCalls(name)) return false
  return !NEVER.test(name.toLowerCase().replaceAll('_', '-')) && !isOfThisHop(name.replaceAll('_', '-'))
}

/** The names that a request's `Trailer` headers declare and that may go on, each once, as they were spelt; those that `Connection` names stay here. */
export function declaredTrailers(headers: RawHeaders): readonly string[] {
  const ofThisHop = listed(headers, 'connection').map((name) => name.toLowerCase())
  const declared = new Map<string, string>()
  for (const name of listed(headers, 'trailer')) {
    const lower = name.toLowerCase()
    if (mayTrail(name) && !ofThisHop.includes(lower) && !declared.has(lower)) declared.set(lower, name)
  }
  return [...declared.values()]
}

/** Whether settled headers promise trailers. */
export function promisesTrailers(headers: RawHeaders): boolean {
  return valuesOf(headers, 'trailer').length > 0
}

/** The trailers that came and were promised; to be asked once the body has come to its end. */
export function promisedTrailers(
  { rawTrailers }: Pick<IncomingMessage, 'rawTrailers'>,
  headers: RawHeaders,
): [string, string][] {
  const promised = new Set(listed(headers, 'trailer').map((name) => name.toLowerCase()))
  return pairsOf(rawTrailers).filter(([name, value]) => promised.has(name.toLowerCase()) && FIELD_VALUE.test(value))
}

function listed(headers: RawHeaders, lowerName: string): string[] {
  return valuesOf(headers, lowerName).flatMap((value) => value.split(',').map((name) => name.trim()))
}
