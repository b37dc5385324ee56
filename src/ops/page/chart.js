import { element, shape, table } from './element.js'
import { clock, hourAndMinute } from './format.js'

/**
 * One row of values over time.
 * @typedef {{ readonly name: string, readonly look: string, readonly values: readonly (number | undefined)[], readonly sum: string }} Series
 */

/**
 * @typedef {object} ChartOptions
 * @property {string} title says all that matters in a sentence, for those who do not see it
 * @property {readonly { readonly from: string, readonly to: string }[]} periods
 * @property {number} slots how many periods there are room for
 * @property {number} periodSeconds
 * @property {readonly Series[]} series
 * @property {(value: number) => string} word
 * @property {string} tableName
 */

const WIDTH = 600
const HEIGHT = 160

/**
 * Bars that stand on one another.
 * @param {ChartOptions} options
 */
export function bars(options) {
  const { periods, slots, series, word } = options
  const top = niceTop(Math.max(0, ...periods.map((_, at) => sumAt(series, at))))
  const step = WIDTH / slots
  const left = (slots - periods.length) * step
  const groups = periods.map((period, at) => {
    let under = 0
    const blocks = series.map(({ look, values }) => {
      const height = ((values[at] ?? 0) / top) * HEIGHT
      under += height
      return shape('rect', {
        class: look,
        x: round(left + at * step + step * 0.1),
        y: round(HEIGHT - under),
        width: round(step * 0.8),
        height: round(height),
      })
    })
    return shape('g', {}, shape('title', {}, titleAt(period, series, at, word)), ...blocks)
  })
  return frame(options, top, groups)
}

/**
 * Lines, broken where nothing was measured.
 * @param {ChartOptions} options
 */
export function lines(options) {
  const { periods, slots, series, word } = options
  const top = niceTop(Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))))
  const step = WIDTH / slots
  const left = (slots - periods.length) * step
  const paths = series.flatMap(({ look, values }) => {
    const points = values.map((value, at) =>
      value === undefined
        ? undefined
        : `${String(round(left + (at + 0.5) * step))} ${String(round(HEIGHT - (value / top) * HEIGHT))}`,
    )
    const path = points.map((point, at) => {
      if (point === undefined) return ''
      return points[at - 1] === undefined ? `M${point}` : `L${point}`
    })
    // A measurement between periods without one: a line of no length, whose round ends make a dot.
    const dots = points.map((point, at) => {
      const isAlone = points[at - 1] === undefined && points[at + 1] === undefined
      return point === undefined || !isAlone ? '' : `M${point}L${point}`
    })
    return [
      shape('path', { class: look, d: path.join('') }),
      shape('path', { class: `${look} dots`, d: dots.join('') }),
    ]
  })
  const covers = periods.map((period, at) =>
    shape(
      'rect',
      { class: 'cover', x: round(left + at * step), y: 0, width: round(step), height: HEIGHT },
      shape('title', {}, titleAt(period, series, at, word)),
    ),
  )
  return frame(options, top, [...paths, ...covers])
}

/**
 * @param {ChartOptions} options
 * @param {number} top
 * @param {readonly Element[]} drawn
 */
function frame({ title, periods, slots, periodSeconds, series, word, tableName }, top, drawn) {
  const grid = [0, 0.5, 1].map((share) =>
    shape('line', { class: 'grid', x1: 0, x2: WIDTH, y1: round(HEIGHT * share), y2: round(HEIGHT * share) }),
  )
  const picture = shape(
    'svg',
    {
      role: 'img',
      'aria-label': title,
      viewBox: `0 0 ${String(WIDTH)} ${String(HEIGHT)}`,
      preserveAspectRatio: 'none',
    },
    ...grid,
    ...drawn,
  )
  const legend = series.map(({ name, look, sum }) =>
    element(
      'li',
      {},
      element('span', { class: `swatch ${look}` }),
      element('span', {}, name),
      element('strong', {}, sum),
    ),
  )
  return [
    element('ul', { class: 'legend' }, ...legend),
    element(
      'div',
      { class: 'chart' },
      element(
        'div',
        { class: 'scale', 'aria-hidden': 'true' },
        ...[1, 0.5, 0].map((share) => element('span', {}, word(top * share))),
      ),
      picture,
      element('div', { class: 'times', 'aria-hidden': 'true' }, ...times(periods, slots * periodSeconds)),
    ),
    element(
      'details',
      {},
      element('summary', {}, 'As a table'),
      table(
        tableName,
        ['From', ...series.map(({ name }) => /** @type {const} */ ({ name, isNumber: true }))],
        rowsOf(periods, series, word),
      ),
    ),
  ]
}

/**
 * The newest first; periods in which nothing was are left out.
 * @param {ChartOptions['periods']} periods
 * @param {readonly Series[]} series
 * @param {(value: number) => string} word
 */
function rowsOf(periods, series, word) {
  return periods
    .flatMap((period, at) => {
      if (series.every(({ values }) => (values[at] ?? 0) === 0)) return []
      return [[clock(period.from), ...series.map(({ values }) => wordOr(values[at], word))]]
    })
    .reverse()
}

/**
 * @param {number | undefined} value
 * @param {(value: number) => string} word
 */
function wordOr(value, word) {
  return value === undefined ? '–' : word(value)
}

/**
 * @param {ChartOptions['periods']} periods
 * @param {number} seconds that the chart has room for
 */
function times(periods, seconds) {
  const last = periods.at(-1)
  if (last === undefined) return []
  const end = Date.parse(last.to)
  const earlier = [seconds, seconds / 2].map((before) => hourAndMinute(end - before * 1_000))
  return [...earlier, 'now'].map((text) => element('span', {}, text))
}

/**
 * @param {{ readonly from: string }} period
 * @param {readonly Series[]} series
 * @param {number} at
 * @param {(value: number) => string} word
 */
function titleAt({ from }, series, at, word) {
  const told = series.map(({ name, values }) => `${name} ${wordOr(values[at], word)}`)
  return `${new Date(from).toLocaleTimeString('en-GB')}: ${told.join(', ')}`
}

/**
 * @param {readonly Series[]} series
 * @param {number} at
 */
function sumAt(series, at) {
  return series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0)
}

/**
 * The next of 1, 2, 5, 10, ... so that the scale does not change with every value.
 * @param {number} value
 */
function niceTop(value) {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 5, 10].find((one) => one * power >= value) ?? 10
  return step * power
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100
}
