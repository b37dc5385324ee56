import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process that hands each connection on to a node: the address of a node that can be killed while the cluster goes on. */
export interface KillableNode {
  readonly url: string
  kill(): Promise<void>
}

const FORWARD = `
  const { connect, createServer } = require('node:net')
  const [host, port] = process.argv.slice(1)
  const server = createServer((near) => {
    const far = connect(Number(port), host)
    near.pipe(far).pipe(near)
    for (const one of [near, far]) one.on('error', () => { near.destroy(); far.destroy() })
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

export async function startKillableNode(target: string): Promise<KillableNode> {
  const { hostname, port } = new URL(target)
  const child = spawn(process.execPath, ['-e', FORWARD, hostname, port], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return {
    url: `http://127.0.0.1:${line.trim()}`,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
