import { isIP } from 'node:net'

import { z } from 'zod'

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `undefined` unless the text is a whole number and a unit, as in `500ms`, `5s`, `10m`, `2h`, `90d`. @returns milliseconds */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
}

/** A duration in milliseconds, written with its unit. */
export function duration(byDefault: string) {
  return z
    .string()
    .default(byDefault)
    .transform((text, context) => {
      const milliseconds = parseDuration(text)
      if (milliseconds !== undefined) return milliseconds
      context.addIssue({
        code: 'custom',
        message: 'must be a duration; write a whole number and ms, s, m, h or d, as in 5s',
      })
      return z.NEVER
    })
}

export const nodeUrl = z.string().transform((text, context) => {
  if (URL.canParse(text)) {
    const url = new URL(text)
    const isPlain =
      url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
    if (['http:', 'https:'].includes(url.protocol) && isPlain) return url.origin
  }
  context.addIssue({
    code: 'custom',
    message:
      'must be the http or https address of a node, without a path and without credentials, as in https://os1:9200',
  })
  return z.NEVER
})

export const port = z.int('must be a port, 0 to 65535; 0 takes a free one').min(0).max(65_535)

/** The name of a claim. */
export const claim = z.string().min(1, 'must name a claim')

/** An address or a CIDR range. */
export const addressRange = z.string().refine(
  (text) => {
    const [address = '', bits, ...more] = text.split('/')
    const widest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
    return more.length === 0 && widest > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= widest))
  },
  { message: 'must be an IP address or a CIDR range, as in 10.0.0.0/8' },
)
