import { whyNotCancelled } from './cancel-erasure.js'
import { badge, element, nothing, pairs, stacked, table } from './element.js'
import { ago, clock, count } from './format.js'

/** @import { Erasure, ErasureState } from '../../core/erasure/record.ts' */
/** @import { UnreadableRecord } from '../../core/erasure/records.ts' */

/** @type {Readonly<Record<ErasureState, 'good' | 'warn' | 'bad' | 'neutral'>>} */
const LOOKS = {
  planned: 'neutral',
  running: 'warn',
  verifying: 'warn',
  done: 'good',
  failed: 'bad',
  cancelled: 'neutral',
}

/** @type {ReadonlySet<ErasureState>} */
const CANCELLABLE = new Set(['planned', 'running', 'verifying'])

/** @param {{ readonly erasures: readonly Erasure[], readonly unreadable?: readonly UnreadableRecord[] }} answer */
export function erasuresView({ erasures, unreadable = [] }) {
  const now = Date.now()
  const views = erasures.map((one) => erasureView(one, now))
  if (unreadable.length > 0) return [unreadableView(unreadable), ...views]
  return views.length > 0 ? views : [nothing('Nobody’s memories were planned to be erased.')]
}

/** @param {readonly UnreadableRecord[]} records */
function unreadableView(records) {
  const title = records.length === 1 ? '1 erasure cannot be read' : `${count(records.length)} erasures cannot be read`
  return element(
    'article',
    { 'data-key': 'unreadable', 'aria-labelledby': 'unreadable-title' },
    element('div', { class: 'heading' }, element('h3', { id: 'unreadable-title' }, title), badge('bad', 'left alone')),
    element(
      'p',
      {},
      'What was under way stands still: this gateway goes on with none of them. Where a newer version has written one, ' +
        'upgrade this gateway, or let the newer one go on. Otherwise plan the erasure of that person again, and then delete the document of this id ' +
        'from the index that ',
      element('code', {}, 'erasures.index'),
      ' names.',
    ),
    stacked(
      table(
        title,
        ['Erasure', 'What is wrong'],
        records.map(({ id, reason }) => [
          element('code', { class: 'free' }, id),
          element('span', { class: 'free' }, reason),
        ]),
        records.map(({ id }) => id),
      ),
    ),
  )
}

/**
 * @param {Erasure} erasure
 * @param {number} now
 */
function erasureView(erasure, now) {
  const { id, subject, issuer, namespace, state, createdAt, updatedAt, hash, total, deleted, parts, receipt, reason } =
    erasure
  const done = `${count(deleted)} of ${count(total)} memories deleted`
  const columns = /** @type {const} */ (['Deleted', 'Of']).map((name) => ({
    name,
    isNumber: /** @type {true} */ (true),
  }))
  return element(
    'article',
    { 'data-key': id, 'aria-label': `Erasure of ${subject}` },
    element('div', { class: 'heading' }, element('h3', {}, subject), badge(LOOKS[state], state)),
    element(
      'div',
      { class: 'progress' },
      // A plan of nothing is done as soon as it is looked at.
      element('progress', { max: Math.max(1, total), value: total === 0 ? 1 : deleted, 'aria-label': done }),
      element('span', {}, done),
    ),
    pairs([
      ['Issuer', issuer],
      ['Namespace', namespace === undefined ? undefined : JSON.stringify(namespace)],
      ['Planned', clock(createdAt)],
      ['Last step', ago(updatedAt, now)],
      ['Erasure', element('code', {}, id)],
      ['Hash of the plan', element('code', {}, hash)],
      ['Why', reason],
      ['Not cancelled', whyNotCancelled(id)],
      ['Receipt', receipt === undefined ? undefined : element('code', { class: 'long' }, receipt)],
    ]),
    CANCELLABLE.has(state)
      ? element(
          'p',
          {},
          element(
            'button',
            {
              type: 'button',
              'data-cancel': id,
              'data-subject': subject,
              'aria-label': `Cancel the erasure of ${subject}`,
            },
            'Cancel',
          ),
        )
      : undefined,
    element(
      'details',
      {},
      element('summary', {}, parts.length === 1 ? '1 part' : `${count(parts.length)} parts`),
      stacked(
        table(
          `Parts of the erasure of ${subject}`,
          ['Cluster', 'Container', 'Type', 'Index', ...columns, 'State'],
          parts.map((part) => [
            ...[part.cluster, part.container, part.type, part.index].map((text) =>
              element('span', { class: 'free' }, text),
            ),
            count(part.deleted),
            count(part.total),
            part.state,
          ]),
        ),
      ),
    ),
  )
}
