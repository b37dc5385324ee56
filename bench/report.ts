import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

import { drawChart } from './chart.ts'
import type { Figure, Measurement, Suite } from './measurements.ts'
import { spreadOf } from './statistics.ts'

/** Writes the results of a suite as JSON, as a Markdown table and as a chart. */
export function writeReport(suite: Suite, measurements: readonly Measurement[]): string {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const machine = { node: process.version, cores: cpus().length, date: new Date().toISOString() }
  const table = tableOf(suite, measurements)
  const write = (ending: string, text: string): void => writeFileSync(join(folder, `${suite.name}.${ending}`), text)
  write('json', `${JSON.stringify({ machine, suite, measurements }, undefined, 1)}\n`)
  write('md', `# ${suite.title}\n\n${JSON.stringify(machine)}\n\n${table}\n`)
  write('svg', drawChart(suite, measurements))
  return table
}

function tableOf(suite: Suite, measurements: readonly Measurement[]): string {
  const cases = [...new Set(measurements.map((row) => row.case))]
  const [first = '', ...others] = suite.contenders
  const head = ['case', 'figure', ...suite.contenders, ...others.map((other) => `${first} / ${other}`)]
  const rows = cases.flatMap((name) => suite.figures.map((figure) => rowOf(suite, measurements, name, figure)))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.filter((row) => row !== undefined).map(line)].join('\n')
}

function rowOf(
  suite: Suite,
  measurements: readonly Measurement[],
  name: string,
  { name: figure, unit, digits, hasRatio }: Figure,
): readonly string[] | undefined {
  const of = (contender: string): readonly number[] =>
    measurements
      .filter((row) => row.case === name && row.contender === contender)
      .flatMap(({ figures }) => figures[figure] ?? [])
  const cell = (values: readonly number[]): string => {
    if (values.length === 0) return ''
    const { min, median, max } = spreadOf(values)
    return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`
  }
  const [first = '', ...others] = suite.contenders
  const own = of(first)
  if (suite.contenders.every((contender) => of(contender).length === 0)) return undefined
  const ratios = others.map((other) => {
    const theirs = of(other)
    if (!hasRatio || theirs.length !== own.length || own.length === 0) return ''
    const { min, median, max } = spreadOf(own.map((value, round) => value / (theirs[round] ?? NaN)))
    return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`
  })
  return [name, `${figure}, ${unit}`, ...suite.contenders.map((contender) => cell(of(contender))), ...ratios]
}
