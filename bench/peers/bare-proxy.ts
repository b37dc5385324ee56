// The least that a proxy on Node can be: node:http in front, undici's dispatch behind, no check of anything.
// Usage: node bare-proxy.ts <upstream>
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Pool } from 'undici'

const upstream = process.argv[2]
if (upstream === undefined) throw new Error('Usage: node bare-proxy.ts <upstream>')
const pool = new Pool(upstream, { connections: 256, pipelining: 1 })
const server = createServer((request, response) => {
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
  const headers: string[] = []
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? ''
    if (!/^(?:connection|host|keep-alive|transfer-encoding)$/i.test(name))
      headers.push(name, request.rawHeaders[at + 1] ?? '')
  }
  pool.dispatch(
    { method: request.method ?? 'GET', path: request.url ?? '/', headers, body: hasBody ? request : null },
    {
      onRequestStart: (controller) => void response.on('drain', () => controller.resume()),
      onResponseStart: (_controller, status, received) => void response.writeHead(status, withoutHop(received)),
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause()
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  )
})

function withoutHop(
  received: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(received)) {
    if (value !== undefined && name !== 'connection' && name !== 'keep-alive') kept[name] = value
  }
  return kept
}

server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` }))
})
