import type { OpsAnswer } from './route.ts'

/** Nothing but the port's own files; small pictures stand in the style sheets. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export const HTML = 'text/html; charset=utf-8'
export const SCRIPT = 'text/javascript; charset=utf-8'
export const STYLE = 'text/css; charset=utf-8'

/** A file of a page, under a policy that lets it load nothing from elsewhere. */
export function textual(contentType: string, body: string): OpsAnswer {
  return { status: 200, body, contentType, headers: PAGE_HEADERS }
}
