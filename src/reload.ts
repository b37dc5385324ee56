import { createHash } from 'node:crypto'

import { hideSecrets } from './config/hide-secrets.ts'
import { needRestart } from './config/need-restart.ts'
import { ConfigError } from './config/problem.ts'
import type { ConfigFile } from './config/schema.ts'
import type { ConfigSource } from './config/source.ts'
import type { InForce } from './core/in-force.ts'
import type { Parts } from './open-parts.ts'
import type { ConfigReport, ReloadCause } from './ops/config.ts'
import type { Log } from './ops/log.ts'
import type { Metrics } from './ops/metrics.ts'

/** Takes up changes of the configuration while the gateway runs. */
export interface Reloader {
  /** Reads the configuration anew, and puts it in force if all of it is good. One at a time; never rejects. */
  reload(cause: ReloadCause): Promise<ConfigReport>
  /** What is in force, and what came of the last reload. */
  report(): ConfigReport
  /** Lets one that is under way end, and begins no other. */
  close(): Promise<void>
}

interface Options {
  /** Where there is none, every reload is refused. */
  readonly source: ConfigSource | undefined
  readonly inForce: InForce<Parts>
  /** Opens the parts of a checked configuration, ready to serve. */
  readonly open: (config: ConfigFile) => Promise<Parts>
  /** Another configuration has come into force. */
  readonly onApplied: () => void
  readonly log: Log
  readonly metrics: Pick<Metrics, 'configuration'>
}

export function openReloader({ source, inForce, open, onApplied, log, metrics }: Options): Reloader {
  const started = inForce.now().config
  let applied = source?.lastRead()
  let isClosed = false
  let report: ConfigReport = { ...describe(started), needRestart: [], lastReload: undefined }
  let running: Promise<unknown> = Promise.resolve()
  metrics.configuration({ result: 'started', hash: report.hash, needRestart: [] })

  async function apply(): Promise<{ result: 'applied' | 'unchanged'; config: ConfigFile }> {
    if (source === undefined) throw new Error('this gateway was started without a configuration file')
    if (isClosed) throw new Error('the gateway is stopping')
    const config = source.read()
    const read = source.lastRead()
    if (read === applied) return { result: 'unchanged', config }
    const parts = await open(config)
    if (config.log.level !== inForce.now().config.log.level) log.setLevel(config.log.level)
    inForce.replace(parts)
    applied = read
    onApplied()
    return { result: 'applied', config }
  }

  async function reloadNow(cause: ReloadCause): Promise<ConfigReport> {
    const at = new Date().toISOString()
    try {
      const { result, config } = await apply()
      const state = result === 'applied' ? describe(config) : report
      report = {
        ...report,
        ...state,
        needRestart: needRestart(started, config),
        lastReload: { at, cause, result, problems: [] },
      }
      if (result === 'applied') log.info('the configuration was reloaded', { cause, hash: report.hash })
      for (const setting of report.needRestart) log.warn('this setting comes into force with a restart', { setting })
    } catch (error) {
      const problems = problemsOf(error)
      report = { ...report, lastReload: { at, cause, result: 'refused', problems } }
      log.warn('the configuration was not reloaded; the one before stays in force', { cause, problems })
    }
    const { hash, needRestart: waiting, lastReload } = report
    metrics.configuration({ result: lastReload?.result ?? 'refused', hash, needRestart: waiting })
    return report
  }

  return {
    reload(cause) {
      const reloaded = running.then(() => reloadNow(cause))
      running = reloaded
      return reloaded
    },
    report: () => report,
    async close() {
      isClosed = true
      await running
    },
  }
}

/** The hash says whether gateways run with the same configuration. Secrets are no part of it: from a hash that is open to all, a weak one could be guessed. */
function describe(config: ConfigFile): Pick<ConfigReport, 'config' | 'hash' | 'since'> {
  const shown = hideSecrets(config)
  const hash = createHash('sha256').update(JSON.stringify(shown)).digest('hex').slice(0, 16)
  return { config: shown, hash, since: new Date().toISOString() }
}

function problemsOf(error: unknown): ConfigError['problems'] {
  if (error instanceof ConfigError) return error.problems
  return [{ path: '', message: error instanceof Error ? error.message : String(error) }]
}
