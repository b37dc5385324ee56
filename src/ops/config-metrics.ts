import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

/** The gateway's configuration after it started, or after an attempt to change it. */
export interface ConfigSample {
  readonly result: 'started' | 'applied' | 'unchanged' | 'refused'
  /** Of what is in force now. */
  readonly hash: string
  readonly needRestart: readonly string[]
}

/** Metrics of the configuration, as Prometheus names its own. */
export function openConfigMetrics(registers: Registry[]): (sample: ConfigSample) => void {
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> =>
    new Gauge({ name: `memory_gateway_config_${name}`, help, labelNames, registers })
  const reloads = new Counter({
    name: 'memory_gateway_config_reloads_total',
    help: 'Attempts to reload the configuration.',
    labelNames: ['result'],
    registers,
  })
  for (const result of ['applied', 'unchanged', 'refused']) reloads.inc({ result }, 0)
  const successful = gauge('last_reload_successful', 'Whether the last attempt to reload the configuration succeeded.')
  const since = gauge(
    'last_reload_success_timestamp_seconds',
    'When the configuration was last found good, at the start or by a reload.',
  )
  const info = gauge('info', 'The configuration in force, by a hash without its secrets.', ['hash'])
  const waiting = gauge('restart_needed', 'Settings of the file that come into force with a restart only.', ['setting'])

  return ({ result, hash, needRestart }) => {
    if (result !== 'started') reloads.inc({ result })
    successful.set(result === 'refused' ? 0 : 1)
    if (result !== 'refused') since.setToCurrentTime()
    info.reset()
    info.set({ hash }, 1)
    waiting.reset()
    for (const setting of needRestart) waiting.set({ setting }, 1)
  }
}
