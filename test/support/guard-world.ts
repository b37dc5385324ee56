import { randomBytes } from 'node:crypto'

import type { GuardNames } from '../vectors/guard-spelling.ts'
import { call } from './call.ts'
import type { Call, Reply } from './call.ts'
import { sendRaw } from './raw-http.ts'
import type { RawReply } from './raw-http.ts'

/** An index of memories with a document that nobody may reach, an ordinary one, and an alias, under names of their own. */
export interface GuardWorld {
  readonly names: GuardNames
  /** In the memory's text, and nowhere else. */
  readonly secret: string
  /** The memory and its index, as they stand. */
  canary(): Promise<unknown>
  remove(...more: readonly string[]): Promise<void>
}

const json = { 'content-type': 'application/json' }

/** Asks the cluster as somebody who may do anything. */
export type Ask = (request: Omit<Call, 'tls' | 'token'>) => Promise<Reply>

export const askPlainly =
  (cluster: string): Ask =>
  (request) =>
    call(cluster, request)

export async function putJson(ask: Ask, path: string, body: unknown): Promise<void> {
  const { status, text } = await ask({ method: 'PUT', path, headers: json, body: JSON.stringify(body) })
  if (status >= 300) throw new Error(text)
}

export async function makeGuardWorld(ask: Ask): Promise<GuardWorld> {
  const stem = `gh${randomBytes(4).toString('hex')}`
  const names = { stem, canary: `${stem}-memory-working`, id: 'd1', open: `${stem}-open`, alias: `${stem}-alias` }
  const secret = `canary${randomBytes(8).toString('hex')}`
  await putJson(ask, `/${names.canary}/_doc/${names.id}?refresh=true`, { text: secret, user: 'bob' })
  await putJson(ask, `/${names.open}/_doc/${names.id}?refresh=true`, { text: 'ordinary', user: 'alice', n: 1 })
  await putJson(ask, `/${names.canary}/_alias/${names.alias}`, {})
  return {
    names,
    secret,
    async canary() {
      const [document, index] = await Promise.all([
        ask({ path: `/${names.canary}/_doc/${names.id}` }),
        ask({ path: `/${names.canary}?flat_settings=true` }),
      ])
      return { document: document.body, index: index.body }
    },
    async remove(...more) {
      for (const index of [names.canary, names.open, ...more]) await ask({ method: 'DELETE', path: `/${index}` })
    },
  }
}

/** Sends many requests, a few at a time; gives what is to be said against each reply. */
export async function complaintsOf<Request>(
  requests: readonly Request[],
  check: (request: Request, position: number) => Promise<string | undefined>,
): Promise<readonly string[]> {
  const complaints: string[] = []
  const waiting = [...requests.entries()]
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const complaint = await check(next[1], next[0])
      if (complaint !== undefined) complaints.push(complaint)
    }
  }
  await Promise.all(Array.from({ length: 6 }, worker))
  return complaints
}

/** What a request came to: its last status, and what stands in the answer but for the time that it took. */
export async function outcomeOf(
  origin: string,
  wire: Uint8Array,
): Promise<{ status: number; body: string; raw: RawReply }> {
  const raw = await sendRaw(origin, wire)
  const after = raw.text.slice(raw.text.lastIndexOf('HTTP/1.1 '))
  const body = after.slice(after.indexOf('\r\n\r\n') + 4)
  return { status: raw.statuses.at(-1) ?? 0, body: body.replaceAll(/"took":\d+/g, '"took":0'), raw }
}
