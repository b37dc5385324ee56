import { batchesView, deletesView, latencyView } from './activity-view.js'
import { ask, forgetToken, hasToken, keepToken, Refusal } from './api.js'
import { openCancelButtons } from './cancel-erasure.js'
import { changes, checksView, clustersView } from './cluster-view.js'
import { element, find, nothing, show, view } from './element.js'
import { erasuresView } from './erasures-view.js'
import { openExplainForm } from './explain-form.js'
import { clock, span } from './format.js'
import { configView, decisionsView, keysView } from './record-views.js'

/** @import { ActivityReport } from '../activity-report.ts' */
/** @import { StatusReport } from '../status.ts' */

const EVERY_MS = 2_000
/** Turns of which one looks at the configuration, too. */
const SELDOM = 5

/** @type {StatusReport | undefined} */
let last
let turns = 0
let isPaused = false
let isUnderWay = false

async function refresh() {
  if (isUnderWay || find('#panels').hidden) return
  isUnderWay = true
  document.body.dataset['refreshing'] = 'true'
  try {
    await refreshAll()
    find('#trouble').hidden = true
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    tellTrouble(error)
  } finally {
    isUnderWay = false
    document.body.dataset['refreshing'] = 'false'
  }
}

async function refreshAll() {
  const status = /** @type {StatusReport} */ (await ask('status'))
  showStatus(status)
  await showActivity()
  const { audit, erasuresOff } = status.features
  if (audit) await fillPanel('decisions', 'decisions', decisionsView)
  else show(view('decisions'), nothing('The audit is off: set audit.sink to see the last decisions.'))
  if (erasuresOff === undefined) await fillPanel('erasures', 'erasures', erasuresView)
  else show(view('erasures'), nothing(`${erasuresOff}.`))
  if (turns++ % SELDOM === 0) await fillPanel('configuration', 'config', configView)
}

/**
 * A cluster that is away keeps one panel from being filled, not the others.
 * @template Answer
 * @param {string} name
 * @param {string} path
 * @param {(answer: Answer) => readonly (Node | undefined)[]} word
 */
async function fillPanel(name, path, word) {
  try {
    show(view(name), ...word(/** @type {Answer} */ (await ask(path))))
  } catch (error) {
    if (!(error instanceof Refusal) || error.status < 402) throw error
    show(view(name), element('p', { class: 'notice bad' }, `${error.message}.`))
  }
}

/** @param {StatusReport} status */
function showStatus(status) {
  const { version, startedAt, at, ready } = status
  const readiness = find('#readiness')
  readiness.className = `badge ${ready ? 'good' : 'bad'}`
  readiness.textContent = ready ? 'Ready' : 'Not ready'
  document.title = `${ready ? 'Ready' : 'Not ready'} – Memory gateway`
  const up = span((Date.parse(at) - Date.parse(startedAt)) / 1_000)
  show(find('#about'), document.createTextNode(`Version ${version} · up ${up} · as of `), clock(at))
  show(view('checks'), checksView(status))
  show(view('clusters'), clustersView(status))
  show(view('keys'), keysView(status))
  const news = changes(last, status)
  if (news.length > 0) find('#news').textContent = `${news.join('. ')}.`
  last = status
}

async function showActivity() {
  const chosen = find('#window').querySelector('input:checked')
  const minutes = chosen instanceof HTMLInputElement ? chosen.value : '10'
  const activity = /** @type {ActivityReport} */ (await ask(`activity?minutes=${minutes}`))
  show(view('deletes'), ...deletesView(activity))
  show(view('latency'), ...latencyView(activity))
  show(view('batches'), ...batchesView(activity))
}

/** @param {Refusal} refusal */
function tellTrouble({ status, message }) {
  if (status === 401) {
    forgetToken()
    askForToken('This token is not the one of the configuration. Give the value of ops.token.')
    return
  }
  const trouble = find('#trouble')
  const seen = last === undefined ? '' : ` What is below is of ${new Date(last.at).toLocaleTimeString('en-GB')}.`
  const text = `${message}.${seen}`
  // Written only once, or it would be read out at every turn.
  if (trouble.textContent !== text) trouble.textContent = text
  trouble.hidden = false
  if (status !== 0) return
  const readiness = find('#readiness')
  readiness.className = 'badge bad'
  readiness.textContent = 'No answer'
  document.title = 'No answer – Memory gateway'
}

/** @param {string} [why] */
function askForToken(why) {
  if (why !== undefined) find('#access-why').textContent = why
  find('#panels').hidden = true
  find('#forget').hidden = true
  find('#pause').hidden = true
  find('#access').hidden = false
  find('#readiness').textContent = 'Locked'
  find('#readiness').className = 'badge neutral'
  find('#access-token').focus()
}

function open() {
  find('#access').hidden = true
  find('#panels').hidden = false
  find('#pause').hidden = false
  find('#forget').hidden = !hasToken()
  turns = 0
  void refresh()
}

function start() {
  openExplainForm()
  openCancelButtons(() => void refresh())
  find('#access').addEventListener('submit', (event) => {
    event.preventDefault()
    const field = find('#access-token')
    if (!(field instanceof HTMLInputElement)) return
    keepToken(field.value.trim())
    field.value = ''
    open()
  })
  find('#forget').addEventListener('click', () => {
    forgetToken()
    location.reload()
  })
  find('#pause').addEventListener('click', () => {
    isPaused = !isPaused
    find('#pause').setAttribute('aria-pressed', String(isPaused))
    if (!isPaused) void refresh()
  })
  find('#window').addEventListener('change', () => void refresh())
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !isPaused) void refresh()
  })
  setInterval(() => {
    if (!document.hidden && !isPaused) void refresh()
  }, EVERY_MS)

  const { access } = document.documentElement.dataset
  if (access === 'closed') {
    find('#trouble').textContent =
      'This port is not on loopback and has no token: set ops.token in the configuration, and open this page again.'
    find('#trouble').hidden = false
    find('#readiness').textContent = 'Closed'
    find('#pause').hidden = true
  } else if (access === 'token' && !hasToken()) askForToken()
  else open()
}

start()
