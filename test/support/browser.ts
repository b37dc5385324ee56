import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import axe from 'axe-core'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'

import { collect } from './collected.ts'

/** Debian's package, and what others call it. */
const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FOLDER = fileURLToPath(new URL('../../screenshots', import.meta.url))

/** Where Chromium is; `CHROMIUM` names another place. */
export function chromiumProgram(): string | undefined {
  return [process.env['CHROMIUM'] ?? '', ...PROGRAMS].find((path) => existsSync(path))
}

/** A page that was opened, and all that must not happen in it. */
export interface OpenedPage {
  readonly page: Page
  /** What the console said of errors and warnings, what was thrown, and requests to other origins. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

export interface TestBrowser {
  /** @param prepare comes before anything is loaded */
  open(url: string, prepare?: (page: Page) => Promise<unknown>): Promise<OpenedPage>
  close(): Promise<void>
}

export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = chromiumProgram()
  if (executablePath === undefined) throw new Error('there is no Chromium')
  // Root has no sandbox in a container; /dev/shm is often small there.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']
  const browser: Browser = await chromium.launch({ executablePath, args })
  const opened = new Set<OpenedPage>()
  return {
    async open(url, prepare) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`)
      })
      page.on('pageerror', (error) => complaints.push(`thrown: ${error.message}`))
      page.on('request', (request) => {
        const to = new URL(request.url())
        if (to.protocol !== 'data:' && to.origin !== new URL(url).origin) complaints.push(`request: ${request.url()}`)
      })
      await prepare?.(page)
      await page.goto(url)
      const one: OpenedPage = {
        page,
        complaints,
        async close() {
          if (!opened.delete(one)) return
          collect('page', `${await page.content().catch(() => '')}\n${complaints.join('\n')}`)
          // What a test answers in the page's stead may be under way.
          await page.unrouteAll({ behavior: 'ignoreErrors' })
          await context.close()
        },
      }
      opened.add(one)
      return one
    },
    async close() {
      for (const one of opened) await one.close()
      await browser.close()
    },
  }
}

/** Keeps a picture for people, of the whole page or of what is on the screen. */
export async function takeScreenshot(page: Page, name: string, fullPage = true): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  await page.screenshot({ path: `${FOLDER}/${name}.png`, fullPage })
}

interface Violation {
  readonly id: string
  readonly impact: string | null | undefined
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string | undefined }[]
}

/** What axe-core finds, by WCAG 2.2 A and AA and its own best practices: a line each. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  const violations = await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  )
  return (violations as readonly Violation[]).flatMap(({ id, impact, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${impact ?? ''} ${id}: ${target.join(' ')} ${failureSummary ?? ''}`),
  )
}
