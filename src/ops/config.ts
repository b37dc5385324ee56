import type { OpsRoute } from './route.ts'

/** The files were found changed, SIGHUP came, or `POST /reload`. */
export type ReloadCause = 'file' | 'signal' | 'request'

/** What is in force, and what came of the last attempt to change it. */
export interface ConfigReport {
  /** Since when, as in `2026-11-22T10:00:00.000Z`. */
  readonly since: string
  /** The same for gateways with the same configuration, secrets apart. */
  readonly hash: string
  /** Settings of the file that come into force with a restart only. */
  readonly needRestart: readonly string[]
  readonly lastReload:
    | {
        readonly at: string
        readonly cause: ReloadCause
        readonly result: 'applied' | 'unchanged' | 'refused'
        readonly problems: readonly { readonly path: string; readonly message: string }[]
      }
    | undefined
  /** Without secrets. */
  readonly config: unknown
}

/** The configuration that is in force, and how to change it. */
export interface Configuration {
  readonly report: () => ConfigReport
  readonly reload: (cause: ReloadCause) => Promise<ConfigReport>
}

/** `GET /config`: what is in force. `POST /reload`: reads the file anew, 422 where it is refused. */
export function configRoutes({ report, reload }: Configuration): readonly OpsRoute[] {
  return [
    { method: 'GET', path: '/config', answer: () => ({ status: 200, body: report() }) },
    {
      method: 'POST',
      path: '/reload',
      async answer() {
        const { since, hash, needRestart, lastReload } = await reload('request')
        const status = lastReload?.result === 'refused' ? 422 : 200
        return { status, body: { since, hash, needRestart, lastReload } }
      },
    },
  ]
}
