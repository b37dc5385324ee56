import { ask, Refusal } from './api.js'
import { view } from './element.js'

/** @type {Map<string, string>} */
const refusals = new Map()

/**
 * Why an erasure was not cancelled, when somebody asked for it.
 * @param {string} id
 */
export function whyNotCancelled(id) {
  return refusals.get(id)
}

/**
 * Has the buttons of the erasures cancel them. One listener above all, since the page makes its elements anew.
 * @param {() => void} onAsked
 */
export function openCancelButtons(onAsked) {
  view('erasures').addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-cancel]') : null
    if (button instanceof HTMLButtonElement) void cancel(button, onAsked)
  })
}

/**
 * @param {HTMLButtonElement} button
 * @param {() => void} onAsked
 */
async function cancel(button, onAsked) {
  const { cancel: id = '', subject = '' } = button.dataset
  if (!confirm(`Cancel the erasure of ${subject}? What was deleted stays deleted, and what is left stays.`)) return
  button.disabled = true
  try {
    await ask(`erasures/${id}/cancel`, {})
    refusals.delete(id)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    refusals.set(id, error.message)
  }
  onAsked()
}
