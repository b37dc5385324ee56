/** What is wrong with an address that keys are to be fetched from; `undefined` when nothing is. */
export function keyUriProblem(uri: string): string | undefined {
  const url = URL.parse(uri)
  if (url === null) return 'is not a URL'
  if (url.username !== '' || url.password !== '') return 'has credentials in it'
  if (url.protocol === 'https:') return undefined
  // Whoever sits on the path of a plain-http fetch chooses the keys.
  return url.protocol === 'http:' && isLoopback(url) ? undefined : 'is not https (http is for loopback only)'
}

/** Whether the address is on this machine. `URL` has already turned every spelling of an IPv4 address into dotted numbers. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(url.hostname)
}
