import { join } from 'node:path'

import { authorityOf } from '../doctor-ground.ts'
import type { DoctorGround } from '../doctor-ground.ts'
import type { Case, Provoked } from '../doctor-world.ts'
import { makePair, startTcpFront, startTlsFront } from '../tls-front.ts'
import type { FrontPair } from '../tls-front.ts'

const DAY_MS = 86_400_000
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS)

/** A cluster without security speaks no TLS itself: there it is the balancer before it that does. */
export const CASES_OF_TLS: readonly Case[] = [
  {
    id: 'tls-untrusted',
    severity: 'error',
    when: 'the authority of the nodes is not configured',
    async provoke(ground) {
      const { cluster } = await overTls(ground)
      return { config: ground.withContainers({ ...cluster, tls: {} }), follow: () => ground.withContainers(cluster) }
    },
  },
  {
    id: 'tls-wrong-name',
    severity: 'error',
    when: 'a node is asked under an address that its certificate does not have',
    async provoke(ground) {
      const { url, cluster } = await overTls(ground)
      const elsewhere = await startTcpFront(url, '127.0.0.2')
      ground.later(() => elsewhere.close())
      return {
        config: ground.withContainers({ ...cluster, nodes: [elsewhere.url] }),
        follow: () => ground.withContainers(cluster),
      }
    },
  },
  {
    id: 'certificate-expired',
    severity: 'error',
    when: 'it was good until yesterday',
    provoke: (ground) => behindFront(ground, -1),
  },
  {
    id: 'certificate-expires-soon',
    severity: 'warning',
    when: 'it is good for ten days',
    provoke: (ground) => behindFront(ground, 10),
  },
]

interface OverTls {
  readonly url: string
  readonly cluster: { readonly nodes: string[]; readonly tls: { readonly ca: string } }
}

async function overTls(ground: DoctorGround): Promise<OverTls> {
  const { url, ca } = ground
  if (ca !== undefined) return { url, cluster: { nodes: [url], tls: { ca } } }
  const front = await openFront(ground, await makePair(ground.world.folder, 'front', inDays(-1), inDays(90)))
  return { url: front.url, cluster: { nodes: [front.url], tls: { ca: certificateIn(ground, 'front') } } }
}

/** The front shows no client certificate to the cluster. */
async function behindFront(ground: DoctorGround, days: number): Promise<Provoked> {
  const { world, config, service } = ground
  const name = `front${String(days)}`
  const pair = await makePair(world.folder, name, inDays(-40), inDays(days))
  const renewed = await makePair(world.folder, `${name}-renewed`, inDays(-1), inDays(90))
  const front = await openFront(ground, pair)
  const through = (of: string) =>
    config({ cluster: { nodes: [front.url], tls: { ca: certificateIn(ground, of) }, service } })
  return {
    config: through(name),
    follow() {
      front.renew(renewed)
      return through(`${name}-renewed`)
    },
  }
}

const certificateIn = ({ world }: DoctorGround, name: string): string => join(world.folder, name, 'cert.pem')

async function openFront(ground: DoctorGround, pair: FrontPair) {
  const front = await startTlsFront(ground.url, authorityOf(ground), pair)
  ground.later(() => front.close())
  return front
}
