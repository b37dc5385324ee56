import { badge, element, nothing, pairs, stacked, table } from './element.js'
import { ago, clock, count, words } from './format.js'

/** @import { StatusReport } from '../status.ts' */
/** @import { Decision } from '../audit/decisions.ts' */
/** @import { ConfigReport } from '../config.ts' */

/** @param {StatusReport} status */
export function keysView({ keySets, at }) {
  if (keySets.length === 0) return nothing('No issuer is configured.')
  const now = Date.parse(at)
  return stacked(
    table(
      'Key sets of the issuers',
      ['Issuer', 'State', { name: 'Keys', isNumber: true }, 'Fetched', 'Last error'],
      keySets.map(({ issuer, usable, keys, fetchedAt, lastError }) => [
        element('code', {}, issuer),
        badge(usable ? (lastError === undefined ? 'good' : 'warn') : 'bad', usable ? 'usable' : 'not usable'),
        count(keys),
        fetchedAt === undefined ? 'never' : ago(fetchedAt, now),
        lastError === undefined ? undefined : element('span', { class: 'free' }, lastError),
      ]),
      keySets.map(({ issuer }) => issuer),
    ),
  )
}

/** @param {{ readonly decisions: readonly Decision[] }} answer */
export function decisionsView({ decisions }) {
  if (decisions.length === 0) return [nothing('No delete was decided since this gateway started.')]
  const wide = stacked(
    table(
      'The last deletes that the audit has recorded, the newest first',
      ['Time', 'Decision', 'Caller', 'Memory', 'Rule', 'Request'],
      decisions.map((one) => [
        clock(one.at),
        decisionBadge(one),
        lines(one.subject, [one.issuer, one.clientIp], 'free lines'),
        lines(one.memoryId ?? words(one.action), [one.containerId, one.type, one.index], 'free lines'),
        // Of a refusal it says what the decision says.
        lines(one.rule === one.outcome ? undefined : one.rule, [one.cluster && `cluster ${one.cluster}`]),
        one.requestId === undefined ? undefined : element('code', {}, one.requestId),
      ]),
      decisions.map(({ requestId }, position) => requestId ?? String(position)),
    ),
  )
  return [wide]
}

/** @param {Decision} decision */
function decisionBadge({ phase, result, outcome, deleted }) {
  const what = words(outcome ?? result)
  if (phase === 'intent') return badge('neutral', 'under way')
  if (phase === 'replay') return badge('neutral', `answered again: ${what}`)
  if (result === 'success') return badge('good', deleted === undefined ? what : `${what}: ${count(deleted)} deleted`)
  if (result === 'failure') return badge('warn', phase === 'settled' ? what : `refused: ${what}`)
  return badge('bad', `unknown: ${what}`)
}

/**
 * @param {string | undefined} first
 * @param {readonly (string | undefined)[]} rest
 * @param {string} [look] `free` where others choose the text: it may be broken anywhere
 */
function lines(first, rest, look = 'lines') {
  const given = rest.filter((one) => one !== undefined)
  const small = given.length === 0 ? undefined : element('small', {}, given.join(' · '))
  return element('span', { class: look }, element('span', {}, first ?? '–'), small)
}

/**
 * The configuration in force.
 * @param {ConfigReport} report
 */
export function configView({ since, hash, needRestart, lastReload, config }) {
  const now = Date.now()
  const reload =
    lastReload === undefined
      ? 'none since the start'
      : element(
          'span',
          {},
          badge(lastReload.result === 'refused' ? 'bad' : 'good', lastReload.result),
          ' ',
          ago(lastReload.at, now),
          `, by ${lastReload.cause}`,
        )
  const problems = (lastReload?.problems ?? []).map(({ path, message }) =>
    element('li', {}, element('code', {}, path), ` ${message}`),
  )
  return [
    pairs([
      ['In force since', ago(since, now)],
      ['Hash', element('code', {}, hash)],
      ['Last reload', reload],
      ['Waiting for a restart', needRestart.length === 0 ? 'nothing' : needRestart.join(', ')],
    ]),
    problems.length === 0 ? undefined : element('ul', { class: 'problems' }, ...problems),
    element(
      'details',
      {},
      element('summary', {}, 'All settings, without secrets'),
      element(
        'pre',
        { tabindex: 0, role: 'region', 'aria-label': 'All settings, without secrets' },
        JSON.stringify(config, null, 2),
      ),
    ),
  ]
}
