import { ask, Refusal } from './api.js'
import { badge, element, find, pairs, show, view } from './element.js'
import { words } from './format.js'

/** @import { ExplainedUpgrade, Explanation } from '../../core/explain.ts' */

/** Has the form answer below itself. */
export function openExplainForm() {
  find('#explain-form').addEventListener('submit', (event) => {
    event.preventDefault()
    void explain()
  })
}

async function explain() {
  const place = view('explanation')
  const token = valueOf('#explain-token').replace(/^Bearer\s+/i, '')
  const idempotencyKey = valueOf('#explain-key')
  const upgrade = valueOf('#explain-upgrade')
  const question = {
    method: valueOf('#explain-method'),
    path: valueOf('#explain-path'),
    ...(token === '' ? {} : { token }),
    ...(idempotencyKey === '' ? {} : { idempotencyKey }),
    ...(upgrade === '' ? {} : { upgrade }),
  }
  try {
    const explanation = /** @type {Explanation} */ (await ask('explain', question))
    show(place, ...explanationView(explanation))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    show(place, element('p', { class: 'notice bad' }, error.message))
  }
}

/** @param {string} selector */
function valueOf(selector) {
  const field = find(selector)
  const isField = field instanceof HTMLInputElement || field instanceof HTMLSelectElement
  return isField ? field.value.trim() : ''
}

/** @type {Readonly<Record<ExplainedUpgrade, string>>} */
const UPGRADES = { passes: 'goes on to the cluster', leftOut: 'is left out: the request goes on without it' }
const LOOKS = /** @type {const} */ ({ allowed: 'good', refused: 'bad', unknown: 'warn' })

/** @param {Explanation} explanation */
function explanationView({ decision, by, why, answer, ...rest }) {
  const {
    bodyDecides,
    route,
    principal,
    scopesNeeded,
    cluster,
    nodes,
    guard,
    upgrade,
    container,
    quota,
    idempotencyKey,
  } = rest
  const title = `${decision === 'unknown' ? 'could not tell' : decision}${by === undefined ? '' : ` by ${words(by)}`}`
  const status = answer.status === undefined ? 'the cluster’s own' : String(answer.status)
  const admitted =
    container?.admittedBy === undefined
      ? 'does not admit the caller'
      : `admits the caller by ${words(container.admittedBy)}`
  return [
    element('p', { class: 'verdict' }, badge(LOOKS[decision], title), ' ', why),
    pairs([
      ['Answer', answer.reason === undefined ? status : `${status}: ${answer.reason}`],
      ['Body', bodyDecides],
      ['Request', route],
      ['Caller', principal && `${principal.subject} of ${principal.issuer}`],
      ['Its scopes', principal && (principal.scopes.join(' ') || 'none')],
      ['Scopes needed', scopesNeeded?.join(' or ')],
      ['Cluster', cluster && `${cluster.name}, by routes[${String(cluster.route)}]`],
      ['Next node', nodes?.next.join(' or ')],
      ['Nodes out', nodes === undefined || nodes.ejected.length === 0 ? undefined : nodes.ejected.join(', ')],
      ['Guard', guard && `${guard.api ?? 'an unknown route'} (${guard.class})`],
      ['Rule', guard?.rule && `rules[${String(guard.rule.position)}], ${guard.rule.says}`],
      ['Would be refused', guard === undefined || guard.observed.length === 0 ? undefined : guard.observed.join('; ')],
      ['Upgrade', upgrade && UPGRADES[upgrade]],
      ['Container', container && (container.found ? `${container.id} ${admitted}` : `${container.id} is not there`)],
      ['Indices', container === undefined || container.indices.length === 0 ? undefined : container.indices.join(', ')],
      ['Limits', quota?.map(({ limit, of, left }) => `${limit}: ${String(left)} of ${String(of)} left`).join('; ')],
      ['Idempotency-Key', idempotencyKey],
    ]),
  ]
}
