import type { Measurement, Suite } from './measurements.ts'
import { spreadOf } from './statistics.ts'

const WIDTH = 860
const LABELS = 330
const ROW = 20
const COLOURS = ['#2563eb', '#9ca3af', '#d97706', '#059669', '#7c3aed', '#dc2626', '#0891b2', '#65a30d']

/** One group of bars for each case and figure: medians, with a line from the least to the largest. */
export function drawChart(suite: Suite, measurements: readonly Measurement[]): string {
  const parts: string[] = []
  let y = 50
  for (const name of new Set(measurements.map((row) => row.case))) {
    for (const figure of suite.figures) {
      const bars = suite.contenders.flatMap((contender, position) => {
        const values = measurements
          .filter((row) => row.case === name && row.contender === contender)
          .flatMap(({ figures }) => figures[figure.name] ?? [])
        return values.length === 0 ? [] : [{ contender, position, ...spreadOf(values) }]
      })
      if (bars.length === 0) continue
      const scale = (WIDTH - LABELS - 110) / Math.max(...bars.map(({ max }) => max), Number.MIN_VALUE)
      parts.push(text(10, y, `${name}: ${figure.name}, ${figure.unit}`, 'font-weight="bold"'))
      y += ROW
      for (const { contender, position, min, median, max } of bars) {
        const middle = y - 5
        parts.push(
          text(24, y, contender),
          `<rect x="${String(LABELS)}" y="${String(y - 14)}" width="${(median * scale).toFixed(1)}" height="14" fill="${COLOURS[position % COLOURS.length] ?? ''}"/>`,
          `<path d="M${(LABELS + min * scale).toFixed(1)} ${String(middle)}H${(LABELS + max * scale).toFixed(1)}" stroke="#111" stroke-width="1.5"/>`,
          text(LABELS + max * scale + 6, y, median.toFixed(figure.digits)),
        )
        y += ROW
      }
      y += 10
    }
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${String(WIDTH)}" height="${String(y)}" font-family="sans-serif" font-size="13">`
  return `${head}<rect width="100%" height="100%" fill="#fff"/>${text(10, 26, suite.title, 'font-size="17"')}${parts.join('')}</svg>\n`
}

function text(x: number, y: number, content: string, more = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${String(y)}" ${more}>${escaped}</text>`
}
