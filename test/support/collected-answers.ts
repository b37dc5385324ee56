import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'

import { collect, isCollecting } from './collected.ts'

// What the servers of gateways answer, whoever asks and however: taken where Node's HTTP server writes it. HTTP/2 has no such channel.

const STARTED = 'http.server.request.start'
/** Of one body. */
const LONGEST = 65_536

interface Started {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Collects all answers of servers at these ports, until the function that it returns is called. */
export function collectAnswersAt(ports: ReadonlySet<number> | 'any'): () => void {
  if (!isCollecting()) return () => undefined
  const onStart = (message: unknown): void => {
    const { request, response } = message as Started
    if (ports === 'any' || ports.has(request.socket.localPort ?? 0)) keepAnswer(request, response)
  }
  subscribe(STARTED, onStart)
  return () => void unsubscribe(STARTED, onStart)
}

export function portOf(url: string): number {
  return Number(new URL(url).port)
}

function keepAnswer(request: IncomingMessage, response: ServerResponse & { readonly _header?: string | null }): void {
  const parts: string[] = []
  let length = 0
  const keep = (chunk: unknown): void => {
    if (length >= LONGEST || !(typeof chunk === 'string' || chunk instanceof Uint8Array)) return
    const text = Buffer.from(chunk as string).toString('latin1', 0, LONGEST)
    length += text.length
    parts.push(text)
  }
  const write = response.write.bind(response) as (...args: unknown[]) => boolean
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse
  Object.assign(response, {
    write(...args: unknown[]) {
      keep(args[0])
      return write(...args)
    },
    end(...args: unknown[]) {
      keep(args[0])
      end(...args)
      const { method = '', url = '' } = request
      const mayHoldMemories = response.statusCode < 400 && method !== 'DELETE' && !REMOVING.test(url)
      const text = `${response._header ?? ''} ${parts.join('')}`.replaceAll(/[\r\n]+/g, ' ')
      const from = `answer ${String(response.statusCode)} ${method}`
      collect(from, text, mayHoldMemories ? 'may hold memories' : undefined)
      return response
    },
  })
}

/** POSTs that delete. */
const REMOVING = /delete|erasures/i
