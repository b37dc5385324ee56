import { chromiumProgram, startBrowser, takeScreenshot } from './browser.ts'

/** The ops page as somebody watches one node on it. */
export interface NodeOnPage {
  /** Ends once the page shows the node in that state, and a reader of screens has heard of it. */
  becomes(state: 'up' | 'ejected'): Promise<void>
  /** All that must not happen in a page. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

/** Opens the page; `undefined` where there is no Chromium. */
export async function watchNodeOnPage(opsUrl: string, node: string): Promise<NodeOnPage | undefined> {
  if (chromiumProgram() === undefined) return undefined
  const browser = await startBrowser()
  const { page, complaints } = await browser.open(opsUrl)
  const row = page.locator('#clusters tbody tr').filter({ hasText: node })
  await row.filter({ hasText: 'up' }).waitFor()
  return {
    complaints,
    async becomes(state) {
      await row.filter({ hasText: state }).waitFor()
      await page
        .locator('#news')
        .filter({ hasText: `Node ${node} of main is ${state}` })
        .waitFor({ state: 'attached' })
      await takeScreenshot(page, `ops-page-real-node-${state}`)
    },
    close: () => browser.close(),
  }
}
