import { randomBytes } from 'node:crypto'

/** 20 url-safe characters, as the server makes up for a document without an id. */
export function randomId(): string {
  return randomBytes(15).toString('base64url')
}
