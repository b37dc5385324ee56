import { once } from 'node:events'
import { createServer } from 'node:net'
import { LocalClusterError } from './local-cluster-error.ts'

/** Throws LocalClusterError when something listens on the port of 127.0.0.1: the server would take 20 s to say so. */
export async function requireFreePort(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new LocalClusterError(
      `Port ${port} of 127.0.0.1 cannot be used (${reason}): give another, or none for a free one`,
    )
  }
  server.close()
  await once(server, 'close')
}
