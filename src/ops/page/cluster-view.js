import { badge, element, pairs, stacked, table } from './element.js'
import { ago, count, words } from './format.js'

/** @import { ClusterStatus, StatusReport } from '../status.ts' */

/**
 * What `/readyz` looks at. Details are told of what is in the way only: the rest stands below.
 * @param {StatusReport} status
 */
export function checksView({ checks }) {
  return element(
    'ul',
    { class: 'checks', 'aria-label': 'Readiness checks' },
    ...checks.map(({ name, ok, details }) =>
      element(
        'li',
        { 'data-key': name },
        badge(ok ? 'good' : 'bad', `${words(name)}: ${ok ? 'good' : 'not good'}`),
        ok ? undefined : element('code', {}, JSON.stringify(details)),
      ),
    ),
  )
}

/** @param {StatusReport} status */
export function clustersView({ clusters, at }) {
  return element('div', { class: 'clusters' }, ...clusters.map((one) => clusterView(one, Date.parse(at))))
}

/**
 * @param {ClusterStatus} cluster
 * @param {number} now
 */
function clusterView(
  { name, reachable, version, problem, waiting, upgraded, circuit, ejections, retries, nodes },
  now,
) {
  const isWell = reachable && problem === undefined
  const heading = element(
    'div',
    { class: 'heading' },
    element('h3', {}, name),
    badge(
      isWell ? 'good' : 'bad',
      isWell ? 'reachable' : reachable ? `unusable: ${words(problem ?? '')}` : 'not reachable',
    ),
    badge(circuit.state === 'closed' ? 'good' : circuit.state === 'open' ? 'bad' : 'warn', `circuit ${circuit.state}`),
  )
  const facts = pairs([
    ['OpenSearch', version],
    ['Waiting for a batch', count(waiting)],
    ['Upgraded connections', count(upgraded)],
    ['Circuit openings', count(circuit.opened)],
    ['Requests turned away by it', count(circuit.refused)],
    ['Ejections', count(ejections)],
    ['Retries', count(retries)],
  ])
  const rows = nodes.map(({ node, state, since, outstanding, failures }) => [
    element('code', {}, node),
    badge(state === 'up' ? 'good' : 'bad', state),
    ago(since, now),
    count(outstanding),
    count(failures),
  ])
  const numbers = ['Under way', 'Failures in a row'].map((one) => /** @type {const} */ ({ name: one, isNumber: true }))
  return element(
    'article',
    { 'data-key': name, 'aria-label': `Cluster ${name}` },
    heading,
    facts,
    stacked(
      table(
        `Nodes of ${name}`,
        ['Node', 'State', 'Since', ...numbers],
        rows,
        nodes.map(({ node }) => node),
      ),
    ),
  )
}

/**
 * What has changed between two looks, in words for those who do not see it.
 * @param {StatusReport | undefined} before
 * @param {StatusReport} after
 */
export function changes(before, after) {
  if (before === undefined) return []
  /** @type {string[]} */
  const told = []
  if (before.ready !== after.ready) told.push(after.ready ? 'The gateway is ready' : 'The gateway is not ready')
  for (const cluster of after.clusters) {
    const earlier = before.clusters.find(({ name }) => name === cluster.name)
    for (const { node, state } of cluster.nodes) {
      const was = earlier?.nodes.find((one) => one.node === node)?.state
      if (was !== undefined && was !== state) told.push(`Node ${node} of ${cluster.name} is ${state}`)
    }
  }
  return told
}
