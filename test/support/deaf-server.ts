import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** A port where connections are neither accepted nor refused: what a node looks like whose packets are dropped. */
export interface DeafServer {
  readonly url: string
  close(): Promise<void>
}

const LISTENER = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
  function () { process.stdout.write(String(this.address().port)) })`

/** Stops a listening process and fills its queue, so that the kernel drops the SYN of whoever comes next. */
export async function startDeafServer(): Promise<DeafServer> {
  const listener = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = (await once(listener.stdout, 'data')) as [Buffer]
  const port = Number(output.toString())
  listener.kill('SIGSTOP')
  const queued: Socket[] = []
  // The queue takes a few; the first that does not get in within a moment says that it is full.
  for (let isFull = false; !isFull;) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    queued.push(socket)
    isFull = await Promise.race([
      once(socket, 'connect').then(() => false),
      once(AbortSignal.timeout(300), 'abort').then(() => true),
    ])
  }
  return {
    url: `http://127.0.0.1:${String(port)}`,
    async close() {
      for (const socket of queued) socket.destroy()
      const ended = once(listener, 'exit')
      listener.kill('SIGKILL')
      await ended
    },
  }
}
