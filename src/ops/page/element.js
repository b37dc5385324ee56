// The one place where elements are made: text goes in as text, whoever wrote it.

/** @typedef {Readonly<Record<string, string | number | boolean | undefined>>} Attributes */
/** @typedef {Node | string | number | undefined} Child */

const SVG = 'http://www.w3.org/2000/svg'

/**
 * @param {string} name
 * @param {Attributes} [attributes] those that are `undefined` or `false` are left out
 * @param {readonly Child[]} children
 */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children)
}

/**
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {readonly Child[]} children
 */
export function shape(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children)
}

/**
 * @template {Element} Made
 * @param {Made} made
 * @param {Attributes} attributes
 * @param {readonly Child[]} children
 */
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value))
  }
  for (const child of children) {
    if (child !== undefined) made.append(child instanceof Node ? child : String(child))
  }
  return made
}

/**
 * Puts children into a place, and keeps those elements that may stay: what is focused, selected, scrolled or opened remains so.
 * @param {Element} place
 * @param {readonly (Node | undefined)[]} children
 */
export function show(place, ...children) {
  const fresh = children.filter((child) => child !== undefined)
  patchChildren(place, fresh)
}

/**
 * @param {Element} place
 * @param {readonly Node[]} fresh
 */
function patchChildren(place, fresh) {
  const old = [...place.childNodes]
  fresh.forEach((node, position) => {
    const before = old[position]
    if (before === undefined) place.append(node)
    else patch(before, node)
  })
  for (const surplus of old.slice(fresh.length)) surplus.remove()
}

/**
 * @param {ChildNode} before
 * @param {Node} fresh
 */
function patch(before, fresh) {
  if (before instanceof Text && fresh instanceof Text) {
    if (before.data !== fresh.data) before.data = fresh.data
  } else if (before instanceof Element && fresh instanceof Element && isAlike(before, fresh)) {
    for (const { name } of [...before.attributes]) {
      // Whoever has opened it reads it.
      if (!fresh.hasAttribute(name) && name !== 'open') before.removeAttribute(name)
    }
    for (const { name, value } of fresh.attributes) {
      if (before.getAttribute(name) !== value) before.setAttribute(name, value)
    }
    patchChildren(before, [...fresh.childNodes])
  } else before.replaceWith(fresh)
}

/**
 * @param {Element} before
 * @param {Element} fresh
 */
function isAlike(before, fresh) {
  return before.nodeName === fresh.nodeName && before.getAttribute('data-key') === fresh.getAttribute('data-key')
}

/**
 * An element of the page's own HTML.
 * @param {string} selector
 */
export function find(selector) {
  const found = document.querySelector(selector)
  if (!(found instanceof HTMLElement)) throw new Error(`${selector} is not in the page`)
  return found
}

/**
 * @param {string} name
 */
export function view(name) {
  return find(`[data-view="${name}"]`)
}

/**
 * A mark of a state; its words say what its colour does.
 * @param {'good' | 'warn' | 'bad' | 'neutral'} kind
 * @param {string} text
 */
export function badge(kind, text) {
  return element('span', { class: `badge ${kind}` }, text)
}

/**
 * A table. Its roles are written out: `stacked` below makes blocks of its rows, which would lose them.
 * @param {string} caption
 * @param {readonly (string | { readonly name: string, readonly isNumber: true })[]} columns
 * @param {readonly (readonly Child[])[]} rows
 * @param {readonly string[]} [keys] of the rows
 */
export function table(caption, columns, rows, keys) {
  const all = columns.map((one) => (typeof one === 'string' ? { name: one, isNumber: false } : one))
  const heads = all.map(({ name, isNumber }) =>
    element('th', { scope: 'col', role: 'columnheader', class: isNumber ? 'number' : undefined }, name),
  )
  const lines = rows.map((cells, row) =>
    element(
      'tr',
      { role: 'row', 'data-key': keys?.[row] },
      ...cells.map((cell, position) =>
        element(
          'td',
          {
            role: 'cell',
            'data-label': all[position]?.name,
            class: all[position]?.isNumber === true ? 'number' : undefined,
          },
          cell instanceof Node ? cell : element('span', {}, cell ?? '–'),
        ),
      ),
    ),
  )
  return element(
    'table',
    { role: 'table' },
    element('caption', { class: 'unseen' }, caption),
    element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...heads)),
    element('tbody', { role: 'rowgroup' }, ...lines),
  )
}

/**
 * The same table, which a narrow screen shows row by row.
 * @param {Element} wide
 */
export function stacked(wide) {
  wide.setAttribute('class', 'stack')
  return wide
}

/**
 * Names and what belongs to them.
 * @param {readonly (readonly [name: string, value: Child])[]} rows those without a value are left out
 */
export function pairs(rows) {
  const given = rows.filter(([, value]) => value !== undefined)
  return element(
    'dl',
    {},
    ...given.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
  )
}

/** @param {string} text */
export function nothing(text) {
  return element('p', { class: 'muted' }, text)
}
