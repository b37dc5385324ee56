import { plainCluster, securedCluster } from '../clusters.ts'
import { authorityOf } from '../doctor-ground.ts'
import type { Case } from '../doctor-world.ts'
import { startFaultProxy } from '../fault-proxy.ts'
import { adminUser } from '../secured-memories.ts'
import { startTcpFront } from '../tls-front.ts'

const nodeDown: Case = {
  id: 'node-unreachable',
  severity: 'error',
  when: 'the only node is down',
  provoke: ({ url, config }) => ({
    config: config({ cluster: { nodes: [`${new URL(url).protocol}//127.0.0.1:9`] } }),
    follow: () => config(),
  }),
}

const oneOfTwoDown: Case = {
  id: 'node-unreachable',
  severity: 'warning',
  when: 'one of two nodes is down',
  async provoke({ url, config, later }) {
    const down = await startTcpFront(url, '127.0.0.1')
    await down.close()
    return {
      config: config({ cluster: { nodes: [url, down.url] } }),
      async follow() {
        const started = await startTcpFront(url, '127.0.0.1', Number(new URL(down.url).port))
        later(() => started.close())
        return undefined
      },
    }
  },
}

/** With two real versions: doctor-own-clusters.test.ts, for which the build machines have no time. */
const otherVersion: Case = {
  id: 'versions-differ',
  severity: 'warning',
  when: 'one of two nodes says another version',
  async provoke(ground) {
    const { url, config, service, later } = ground
    const ca = authorityOf(ground)
    const proxy = await startFaultProxy(url, ca === undefined ? undefined : Buffer.from(ca))
    later(() => proxy.close())
    proxy.on(
      ({ target }) => target === '/',
      async ({ ask, answer }) => {
        const whole = await ask()
        const said = whole.body.toString().replace(/"number" : "[^"]+"/, '"number" : "2.19.4"')
        const rawHeaders = ['content-type', 'application/json; charset=UTF-8']
        await answer({ ...whole, rawHeaders, body: Buffer.from(said) })
      },
    )
    return {
      config: config({ cluster: { nodes: [url, proxy.url], service } }),
      follow() {
        proxy.reset()
        return undefined
      },
    }
  },
}

/** Both clusters take the password: the one without security does not look at it. */
const otherCluster: Case = {
  id: 'clusters-differ',
  severity: 'error',
  when: 'the nodes are of two clusters',
  needsBoth: true,
  provoke({ url, config }) {
    const secured = securedCluster()
    if (secured === undefined) throw new Error('there is only one cluster')
    const other = [plainCluster().url, secured.url].filter((one) => one !== url)
    const both = { tls: { ca: secured.access.ca }, service: adminUser(secured) }
    return {
      config: config({ cluster: { nodes: [url, ...other], ...both } }),
      follow: () => config({ cluster: { nodes: [url], ...both } }),
    }
  },
}

export const CASES_OF_NODES: readonly Case[] = [nodeDown, oneOfTwoDown, otherVersion, otherCluster]
