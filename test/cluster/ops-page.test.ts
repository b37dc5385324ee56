import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'

import { chromiumProgram, findBarriers, startBrowser, takeScreenshot } from '../support/browser.ts'
import type { OpenedPage, TestBrowser } from '../support/browser.ts'
import { call } from '../support/call.ts'
import { plainCluster } from '../support/clusters.ts'
import { MEMORY_TEXT } from '../support/collected.ts'
import { erasuresAt, openErasureWorld, OPS_TOKEN, putMany } from '../support/erasure-world.ts'
import type { ErasureWorld } from '../support/erasure-world.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { startKillableNode } from '../support/killable-node.ts'
import type { KillableNode } from '../support/killable-node.ts'
import { testMemories } from '../support/memories.ts'
import { until } from '../support/until.ts'

const isMissing = chromiumProgram() === undefined
if (isMissing && process.env['CI'] === 'true') throw new Error('There is no Chromium, and CI tests the ops page')
if (isMissing) process.stderr.write('There is no Chromium (apt-get install chromium): the ops page is NOT tested\n')
const inChromium = isMissing ? describe.skip : describe

/** What a name must never do. */
const HOSTILE = '<img src=x onerror=document.title="owned">'
const LOOKS = [
  { name: 'desktop-light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { name: 'desktop-dark', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { name: 'phone-light', colorScheme: 'light', viewport: { width: 360, height: 740 } },
  { name: 'phone-dark', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
] as const

inChromium('the ops page', () => {
  const memories = testMemories(plainCluster().url)
  let folder: string
  let browser: TestBrowser
  let node: KillableNode
  let gateway: TestGateway
  let closed: TestGateway
  let closedUrl: string
  let world: ErasureWorld
  const opened: OpenedPage[] = []
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'memory-gateway-page-'))
    node = await startKillableNode(plainCluster().url)
    await memories.putContainer('c', { owner: { name: 'alice' } })
    for (const [id, owner] of [
      ['mine', 'alice'],
      ['mine-too', 'alice'],
      ['bobs', 'bob'],
    ] as const) {
      await memories.putMemory('working', id, { memory_container_id: 'c', owner_id: owner })
    }
    gateway = await startTestGateway({
      cluster: {
        nodes: [plainCluster().url, node.url],
        ejection: { failures: 1, backoff: '10m', maxBackoff: '10m' },
      },
      memory: { containerIndex: memories.containerIndex },
      audit: { sink: 'file', file: join(folder, 'audit.log') },
    })
    world = await openErasureWorld()
    closed = await startTestGateway({
      cluster: { nodes: [plainCluster().url] },
      ...world.settings,
      ops: { host: '0.0.0.0', port: 0, token: OPS_TOKEN },
      // Of each shard a second: it lasts long enough to be watched.
      erasures: { ...world.settings.erasures, requestsPerSecond: 4 },
    })
    closedUrl = closed.opsUrl.replace('0.0.0.0', '127.0.0.1')
    browser = await startBrowser()
    await remove('mine')
    await remove('bobs')
    await remove('none')
    await remove(encodeURIComponent(HOSTILE), HOSTILE)
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })
  afterAll(async () => {
    await browser.close()
    await gateway.close()
    await closed.close()
    await node.kill()
    await memories.removeAll()
    await world.removeAll()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(url = gateway.opsUrl, prepare?: (page: Page) => Promise<unknown>): Promise<OpenedPage> {
    const one = await browser.open(url, prepare)
    opened.push(one)
    return one
  }

  /** In the gateway's stead, which has none under way. */
  async function answerErasures(page: Page): Promise<void> {
    await page.route('**/status', async (route) => {
      const response = await route.fetch()
      const status = (await response.json()) as object
      await route.fulfill({ response, json: { ...status, features: { audit: true, erasures: true } } })
    })
    await page.route('**/erasures', (route) =>
      route.fulfill({ json: { erasures: [erasure], unreadable: [unreadable] } }),
    )
  }

  const pathOf = (id: string): string => `/_plugins/_ml/memory_containers/c/memories/working/${id}`

  async function remove(id: string, subject = 'alice'): Promise<number> {
    const token = await gateway.token({ subject })
    return (await call(gateway.url, { method: 'DELETE', path: pathOf(id), token })).status
  }

  const words = async (page: Page, selector: string): Promise<string> => (await page.textContent(selector)) ?? ''
  const shows = (page: Page, selector: string, text: string | RegExp): Promise<void> =>
    page.locator(selector).filter({ hasText: text }).first().waitFor()

  test('its files come with a policy that lets nothing run but them, and without a token', async () => {
    const page = await call(gateway.opsUrl, { path: '/' })
    expect(page.text).not.toMatch(/<style|style=|<script(?! type="module" src="page\/main\.js")|\son\w+=/)
    for (const path of ['/', '/page/style.css', '/page/main.js', '/page/element.js']) {
      const { status, headers } = await call(closedUrl, { path })
      expect([path, status]).toEqual([path, 200])
      const policy = String(headers['content-security-policy'])
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /)
      expect(policy).toMatch(/frame-ancestors 'none'$/)
      expect(policy).not.toContain('unsafe')
    }
    for (const path of ['/page/none.js', '/page/..%2froute.js', '/page/../route.js', '/page/tsconfig.json']) {
      expect((await call(gateway.opsUrl, { path })).status).toBe(404)
    }
  })

  test('it shows the cluster, deletes, batches, keys and decisions as they are, and names as text', async () => {
    const { page, complaints } = await open()
    await shows(page, '#clusters', plainCluster().version)
    await shows(page, '#deletes .legend', /deleted1.*not found1.*refused\d/)
    await shows(page, '#keys', 'https://issuer.test')
    await shows(page, '#decisions', 'alice')
    await shows(page, '#configuration', 'All settings')
    expect(await words(page, '#readiness')).toBe('Ready')
    expect(await words(page, '#latency')).toMatch(/Deletes of one memory, whole[1-9]/)
    expect(await words(page, '#batches')).toMatch(/removes1/)
    expect(await words(page, '#decisions')).toContain(HOSTILE)
    expect(await words(page, '#erasures')).toContain('Erasures are off: set erasures.cluster')
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe('Ready – Memory gateway')
    expect(await page.content()).not.toContain(MEMORY_TEXT)
    expect(complaints).toEqual([])
  })

  test('a delete appears without a reload, and what a reader has opened stays open', async () => {
    const { page, complaints } = await open()
    await page.click('#deletes summary')
    await page.focus('#explain-path')
    await page.keyboard.type('/half')
    expect(await remove('mine-too')).toBe(200)
    await shows(page, '#decisions', 'mine-too')
    await shows(page, '#deletes .legend', /deleted2/)
    expect(await page.getAttribute('#deletes details', 'open')).toBe('')
    await page.keyboard.type('-typed')
    expect(await page.inputValue('#explain-path')).toBe('/half-typed')
    expect(complaints).toEqual([])
  })

  test('explain answers, and says what the gateway then does', async () => {
    const { page, complaints } = await open()
    await page.fill('#explain-path', pathOf('bobs'))
    await page.fill('#explain-token', await gateway.token())
    await page.click('#explain-form button')
    await shows(page, '#explain [role=status]', 'refused by owner')
    await page.fill('#explain-path', pathOf('bobs'))
    await page.fill('#explain-token', await gateway.token({ subject: 'bob', scopes: ['memory:delete:any'] }))
    await page.keyboard.press('Enter')
    await shows(page, '#explain [role=status]', /allowed.*bob of https:\/\/issuer\.test/)
    expect(await words(page, '#explain')).not.toMatch(/eyJ/)
    expect(complaints).toEqual([])
    expect(await remove('bobs')).toBe(403)
  })

  test('explain says what becomes of an upgrade, where one is asked for', async () => {
    const { page, complaints } = await open()
    await page.selectOption('#explain-method', 'GET')
    await page.fill('#explain-path', '/_cluster/health')
    await page.fill('#explain-token', await gateway.token({ scopes: ['opensearch:admin'] }))
    await page.click('#explain-form button')
    await shows(page, '#explain [role=status]', 'allowed')
    expect(await words(page, '#explain [role=status]')).not.toContain('Upgrade')
    await page.getByLabel('Upgrade, if it asks for one').fill(' websocket ')
    await page.keyboard.press('Enter')
    await shows(page, '#explain [role=status]', /allowed.*Upgradeis left out: the request goes on without it/)
    expect(complaints).toEqual([])
  })

  test('the progress of an erasure moves, until it is cancelled, and the name of its person is text', async () => {
    await putMany(world, 'sessions', HOSTILE, 100)
    const erasures = erasuresAt(closedUrl)
    const { id, hash } = await erasures.plan({ subject: HOSTILE })
    const { page, complaints } = await open(closedUrl)
    await page.fill('#access-token', OPS_TOKEN)
    await page.keyboard.press('Enter')
    await shows(page, '#erasures', /planned.*0 of 100 memories deleted/)
    await erasures.apply(id, hash)
    await shows(page, '#erasures', /running.*[1-9]\d* of 100 memories deleted/)
    expect(Number(await page.getAttribute('#erasures progress', 'value'))).toBeGreaterThan(0)
    const button = page.getByRole('button', { name: `Cancel the erasure of ${HOSTILE}` })
    const asked: string[] = []
    // Whoever thinks better of it has asked for nothing.
    page.once('dialog', (dialog) => void dialog.dismiss())
    await button.click()
    page.on('request', (request) => request.method() === 'POST' && asked.push(new URL(request.url()).pathname))
    page.once('dialog', (dialog) => {
      expect(dialog.message()).toContain(HOSTILE)
      void dialog.accept()
    })
    await button.click()
    await shows(page, '#erasures', /cancelled.*It was cancelled/)
    expect(asked).toEqual([`/erasures/${id}/cancel`])
    expect(await button.count()).toBe(0)
    expect(await words(page, '#erasures h3')).toBe(HOSTILE)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.content()).not.toContain(MEMORY_TEXT)
    expect(complaints).toEqual([])
  })

  test('a kept erasure that cannot be read is shown as such, beside the others: which, what is wrong with it, and what to do', async () => {
    const { id } = await erasuresAt(closedUrl).plan({ subject: 'carol' })
    const { index } = world.settings.erasures
    await world.ask('PUT', `/${index}/_doc/odd?refresh=true`, { createdAt: new Date().toISOString(), record: { id } })
    const { page, complaints } = await open(closedUrl)
    await page.fill('#access-token', OPS_TOKEN)
    await page.keyboard.press('Enter')
    const told = page.getByRole('article', { name: '1 erasure cannot be read' })
    const row = told.getByRole('table', { name: '1 erasure cannot be read' }).getByRole('row').nth(1)
    await row.filter({ hasText: /^odd.*: / }).waitFor()
    expect(await told.textContent()).toMatch(/left alone.*plan the erasure of that person again.*erasures\.index/)
    await page.getByRole('article', { name: 'Erasure of carol' }).waitFor()
    expect(complaints).toEqual([])
    // What was said to do.
    await world.ask('DELETE', `/${index}/_doc/odd?refresh=true`)
    await told.waitFor({ state: 'detached' })
  })

  test('dark and light, on a desktop and on a phone: axe-core finds nothing, and nothing is wider than the screen', async () => {
    const { page, complaints } = await open(undefined, answerErasures)
    await shows(page, '#decisions', 'alice')
    await page.fill('#explain-path', pathOf('bobs'))
    await page.click('#explain-form button')
    await shows(page, '#explain [role=status]', 'refused by token')
    await page.click('#pause')
    for (const { name, colorScheme, viewport } of LOOKS) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize(viewport)
      await takeScreenshot(page, `ops-page-${name}`)
      const summaries = await page.locator('summary').all()
      for (const summary of summaries) await summary.click()
      expect([name, await page.evaluate(TOO_WIDE)]).toEqual([name, []])
      expect([name, await findBarriers(page)]).toEqual([name, []])
      for (const summary of summaries) await summary.click()
    }
    expect(complaints).toEqual([])
  })

  test('Tab reaches all that can be used, in the order of the page, and shows where it is', async () => {
    const { page } = await open()
    await shows(page, '#configuration', 'All settings')
    // Not by the mouse: Tab would go on from there.
    await page.evaluate('document.querySelector("#pause").click()')
    const wanted = await page.evaluate(FOCUSABLE)
    for (const name of wanted as readonly string[]) {
      await page.keyboard.press('Tab')
      expect(await page.evaluate(FOCUSED)).toEqual({ name, isMarked: true })
    }
  })

  test('updates can be paused, and stop while nobody looks', async () => {
    const { page } = await open(undefined, (fresh) => fresh.clock.install())
    await shows(page, '#configuration', 'All settings')
    let asked = 0
    page.on('request', () => (asked += 1))
    const next = page.waitForRequest('**/status')
    await page.clock.runFor(5_000)
    await next
    await page.click('#pause')
    expect(await page.getAttribute('#pause', 'aria-pressed')).toBe('true')
    await page.waitForSelector('body[data-refreshing="false"]')
    asked = 0
    await page.clock.runFor(20_000)
    expect(asked).toBe(0)
    await page.evaluate('Object.defineProperty(document, "hidden", { value: true, configurable: true })')
    const resumed = page.waitForResponse('**/activity*')
    await page.click('#pause')
    await resumed
    await page.waitForSelector('body[data-refreshing="false"]')
    asked = 0
    await page.clock.runFor(20_000)
    expect(asked).toBe(0)
  })

  test('off loopback it asks for the token, refuses a wrong one, and forgets it on demand', async () => {
    const { page, complaints } = await open(closedUrl)
    await shows(page, '#access', 'ops.token')
    expect(complaints).toEqual([])
    expect(await findBarriers(page)).toEqual([])
    await takeScreenshot(page, 'ops-page-locked')
    await page.fill('#access-token', 'not-the-token-of-this-gateway')
    await page.keyboard.press('Enter')
    await shows(page, '#access', 'is not the one of the configuration')
    expect(await page.isVisible('#panels')).toBe(false)
    await page.fill('#access-token', OPS_TOKEN)
    await page.keyboard.press('Enter')
    await shows(page, '#clusters', plainCluster().version)
    expect(await words(page, '#configuration')).not.toContain(OPS_TOKEN)
    await page.reload()
    await shows(page, '#clusters', plainCluster().version)
    await page.click('#forget')
    await shows(page, '#access', 'ops.token')
    // The wrong token's 401 is all that the browser had to say.
    expect(complaints.filter((one) => !one.includes('401'))).toEqual([])
  })

  test('the API description opens where ops.token is set, with no error, nothing from elsewhere, and nothing serious that axe-core finds', async () => {
    const { page, complaints } = await open(`${closedUrl}/docs`)
    await shows(page, '.swagger-ui', 'explain')
    await takeScreenshot(page, 'api-viewer', false)
    await page.click('#operations-ops-explain')
    await shows(page, '#operations-ops-explain', 'idempotencyKey')
    // What is left is moderate, and the viewer's own: the order of its headings, and what it puts beside its main part.
    expect((await findBarriers(page)).filter((one) => /^(?:serious|critical) /.test(one))).toEqual([])
    expect(complaints).toEqual([])
    const link = await open(gateway.opsUrl)
    await link.page.click('#links a[href="docs"]')
    await shows(link.page, '.swagger-ui', 'explain')
    expect(link.complaints).toEqual([])
  })

  test('a node that is killed goes from up to ejected, and a reader of screens hears of it', async () => {
    const { page, complaints } = await open()
    const row = page.locator('#clusters tbody tr').filter({ hasText: node.url })
    await row.filter({ hasText: 'up' }).waitFor()
    await node.kill()
    await until(async () => {
      await remove('none')
      return (await row.textContent())?.includes('ejected') === true
    })
    await shows(page, '#news', `Node ${node.url} of main is ejected`)
    await takeScreenshot(page, 'ops-page-node-out')
    expect(complaints).toEqual([])
  })
})

const unreadable = { id: HOSTILE, reason: 'parts.0.index: must be the index of a memory container' }
const part = { cluster: 'main', container: HOSTILE, type: 'working', index: 'i', state: 'running' }
const at = '2026-11-22T10:00:00.000Z'
const erasure = {
  id: 'e1',
  subject: HOSTILE,
  issuer: 'https://issuer.test',
  state: 'running',
  createdAt: at,
  updatedAt: at,
  hash: 'hash-of-the-plan',
  total: 1_000,
  deleted: 250,
  parts: [{ ...part, total: 1_000, deleted: 250 }],
}

/** What reaches beyond the right edge of a page that can be scrolled sideways. */
const TOO_WIDE = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth <= clientWidth) return []
  const all = [...document.querySelectorAll('body *')]
  return all.filter((one) => one.getBoundingClientRect().right > clientWidth).map((one) => one.outerHTML.slice(0, 200))
})()`
const NAME = `(one) => one.id || (one.textContent || one.value).trim().slice(0, 40)`
const FOCUSABLE = `(() => {
  const name = ${NAME}
  const all = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
  // Of a group of radio buttons one is reached, the arrows lead to the others.
  return all.filter((one) => one.checkVisibility() && !(one.type === 'radio' && !one.checked)).map(name)
})()`
const FOCUSED = `(() => {
  const name = ${NAME}
  const one = document.activeElement
  const { outlineStyle, outlineWidth } = getComputedStyle(one)
  return { name: name(one), isMarked: outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2 }
})()`
