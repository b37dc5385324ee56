import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'

import { exposedMetrics } from '../../support/exposed-metrics.ts'

const FOLDER = join(import.meta.dirname, '../../../deploy')
const ALERTS = join(FOLDER, 'prometheus/alerts.yaml')
const DASHBOARD = join(FOLDER, 'grafana/memory-gateway.json')

interface Alerts {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[]
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
}

const alerts = (parse(readFileSync(ALERTS, 'utf8')) as Alerts).groups.flatMap(({ rules }) =>
  rules.map(({ alert, expr }) => [alert, expr] as const),
)
const panels = (JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard).panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [title, expr] as const),
)

/** The series that an expression of PromQL names. */
function seriesIn(expression: string): readonly string[] {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
  return [...bare.matchAll(/\b[a-z_]\w*\b(?!\s*\()/gi)].map(([name]) => name).filter((name) => !WORDS.has(name))
}

const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'sum', 'min', 'max', 'count', 'rate'])
/** Prometheus' own, of each scrape. */
const OF_PROMETHEUS = ['up']

test('series are read out of expressions', () => {
  const expression = 'sum by (le) (rate(a_bucket{x="b_total(c)",y=~"d"}[5m])) / max(e) > 0.5 unless up == 1'
  expect(seriesIn(expression)).toEqual(['a_bucket', 'e', 'up'])
})

describe('names only metrics that exist', () => {
  test.each([...alerts.map((row) => ['alert', ...row] as const), ...panels.map((row) => ['panel', ...row] as const)])(
    '%s %s: %s',
    async (_kind, _title, expression) => {
      const known = (await exposedMetrics()).flatMap(({ name, type }) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      )
      const series = seriesIn(expression)
      expect(series.length).toBeGreaterThan(0)
      expect(series.filter((name) => ![...known, ...OF_PROMETHEUS].includes(name))).toEqual([])
    },
  )
})

test('the dashboard shows every metric of the gateway', async () => {
  const shown = panels.map(([, expression]) => expression).join('\n')
  const own = (await exposedMetrics()).filter(({ name }) => name.startsWith('memory_gateway_'))
  expect(own.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([])
})

// CI installs it (Debian's package prometheus); elsewhere these two are shown as skipped where it is missing.
const withPromtool = process.env['CI'] === undefined && spawnSync('promtool', ['--version']).error ? test.skip : test

withPromtool('promtool accepts the alert rules', () => {
  expect(run('check', 'rules', ALERTS)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('SUCCESS'),
  })
})

withPromtool('the alerts fire when they should, and not before', () => {
  expect(run('test', 'rules', join(FOLDER, 'prometheus/alerts.test.yaml'))).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('SUCCESS'),
  })
})

test('each alert has a test of its own', () => {
  const tests = readFileSync(join(FOLDER, 'prometheus/alerts.test.yaml'), 'utf8')
  expect(alerts.map(([alert]) => alert).filter((alert) => !tests.includes(`"${alert}"`))).toEqual([])
})

const run = (...args: readonly string[]) => spawnSync('promtool', args, { encoding: 'utf8' })
