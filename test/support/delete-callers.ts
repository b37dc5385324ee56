import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

// Callers in a process of their own, so that what they take of the machine's time is not measured: `node delete-callers.ts URL PATH CALLERS SECONDS`, the
// token in TOKEN. Prints how many answers of each status there were.

const [origin = '', path = '', callers = '', seconds = ''] = process.argv.slice(2)
const { hostname: host, port } = new URL(origin)
const agent = new Agent({ keepAlive: true, maxSockets: Number(callers) })
const headers = { authorization: `Bearer ${process.env['TOKEN'] ?? ''}` }
const end = performance.now() + Number(seconds) * 1_000
const tally: Record<string, number> = {}

function ask(): Promise<string> {
  return new Promise((resolve) => {
    const sent = request({ host, port, path, method: 'DELETE', agent, headers }, (response) => {
      response.resume().once('close', () => resolve(String(response.complete ? response.statusCode : 'cut')))
    })
    sent.once('error', () => resolve('no answer'))
    sent.end()
  })
}

async function caller(): Promise<void> {
  while (performance.now() < end) {
    const status = await ask()
    tally[status] = (tally[status] ?? 0) + 1
    // A tenth of the Retry-After: impatient clients, who do not hammer.
    if (status === '503') await pause(100)
  }
}

await Promise.all(Array.from({ length: Number(callers) }, caller))
agent.destroy()
process.stdout.write(JSON.stringify(tally))
