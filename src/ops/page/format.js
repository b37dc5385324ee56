import { element } from './element.js'

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** @param {number} value */
export function count(value) {
  return number.format(value)
}

/**
 * @param {number | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === undefined) return undefined
  if (seconds < 0.001) return `${String(Math.round(seconds * 1e6))} µs`
  if (seconds < 1) return `${(seconds * 1e3).toPrecision(seconds < 0.1 ? 2 : 3)} ms`
  return `${number.format(seconds)} s`
}

/**
 * How long ago, with the time itself for those who point at it.
 * @param {string} time
 * @param {number} now
 */
export function ago(time, now) {
  const seconds = (now - Date.parse(time)) / 1_000
  const text = seconds < 1 ? 'now' : `${span(seconds)} ago`
  return element('time', { datetime: time, title: new Date(time).toLocaleString() }, text)
}

/** @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${String(whole)} s`
  if (whole < 3_600) return `${String(Math.floor(whole / 60))} min`
  if (whole < 172_800) return `${String(Math.floor(whole / 3_600))} h ${String(Math.floor((whole % 3_600) / 60))} min`
  return `${String(Math.floor(whole / 86_400))} days`
}

/** @param {string} time */
export function clock(time) {
  const text = new Date(time).toLocaleTimeString('en-GB')
  return element('time', { datetime: time, title: new Date(time).toLocaleString() }, text)
}

/** @param {number} time in milliseconds since 1970 */
export function hourAndMinute(time) {
  return new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
}

/**
 * Words of a name of the code's, as in `memoryNotFound`.
 * @param {string} name
 */
export function words(name) {
  return name
    .replaceAll(/[-_/]/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, (_, end, start) => `${String(end)} ${String(start).toLowerCase()}`)
}
