/** Requests to the MemoryPlugin API that name no memory that can be, or name one in a way of their own. */
export interface LegacyRequest {
  readonly name: string
  readonly method: string
  readonly target: string
}

function legacy(name: string, target: string, method = 'DELETE'): LegacyRequest {
  return { name, method, target }
}

/** Ids of any kind, each as it is written in a target. */
export const LEGACY_IDS: readonly { readonly name: string; readonly id: string; readonly segment: string }[] = [
  { name: 'plain', id: 'mem-abc-123', segment: 'mem-abc-123' },
  { name: 'with a slash', id: 'a/b', segment: 'a%2Fb' },
  { name: 'with a slash, in small letters', id: 'a/c', segment: 'a%2fc' },
  { name: 'with nothing but slashes', id: '//', segment: '%2F%2F' },
  { name: 'with a space', id: 'a b', segment: 'a%20b' },
  { name: 'with a space at each end', id: ' a ', segment: '%20a%20' },
  { name: 'with an emoji', id: 'a😀', segment: 'a%F0%9F%98%80' },
  { name: 'with a NUL', id: 'a\0b', segment: 'a%00b' },
  { name: 'that is a NUL', id: '\0', segment: '%00' },
  { name: 'with a line break', id: 'a\r\nb', segment: 'a%0D%0Ab' },
  { name: 'with a plus', id: 'a+b', segment: 'a+b' },
  { name: 'with an encoded plus', id: 'a+c', segment: 'a%2Bc' },
  { name: 'with quotes', id: '"a\'', segment: "%22a'" },
  { name: 'with a backslash', id: 'a\\b', segment: 'a%5Cb' },
  { name: 'with a percent sign', id: '100%', segment: '100%25' },
  { name: 'that looks encoded twice', id: 'a%2Fb', segment: 'a%252Fb' },
  { name: 'with a question mark', id: 'a?b', segment: 'a%3Fb' },
  { name: 'with a number sign', id: 'a#b', segment: 'a%23b' },
  { name: 'with a raw number sign', id: 'a#c', segment: 'a#c' },
  { name: 'with a semicolon', id: 'a;b=c', segment: 'a;b=c' },
  { name: 'with a colon and an at sign', id: 'a:b@c', segment: 'a:b@c' },
  { name: 'like a list of indices', id: 'a,*', segment: 'a,*' },
  { name: 'like date math', id: '<a-{now/d}>', segment: '%3Ca-%7Bnow%2Fd%7D%3E' },
  { name: 'like a path out', id: '../x', segment: '..%2Fx' },
  { name: 'like an operation', id: '_search', segment: '_search' },
  { name: 'like the route for many', id: 'bulk-delete', segment: 'bulk-delete' },
  { name: 'of dots', id: '...', segment: '...' },
  { name: 'like a field of every object', id: '__proto__', segment: '__proto__' },
  { name: 'of 512 bytes', id: 'i'.repeat(512), segment: 'i'.repeat(512) },
  { name: 'of 512 bytes in 128 emoji', id: '😀'.repeat(128), segment: '%F0%9F%98%80'.repeat(128) },
]

/** 400, with these words. */
export const LEGACY_BAD_REQUESTS: readonly (LegacyRequest & { readonly error: string })[] = [
  ...[
    legacy('no id', '/api/memories'),
    legacy('no id after the slash', '/api/memories/'),
    legacy('no id after several slashes', '/api/memories///'),
    legacy('no id before a query', '/api/memories?id=x'),
    legacy('a blank id', '/api/memories/%20'),
    legacy('an id of blanks of several kinds', '/api/memories/%20%09%0A%C2%A0%E3%80%80'),
  ].map((request) => ({ ...request, error: 'Memory ID is required' })),
  ...[
    legacy('513 bytes', `/api/memories/${'i'.repeat(513)}`),
    legacy('513 bytes in 129 characters', `/api/memories/a${'%F0%9F%98%80'.repeat(128)}`),
    legacy('10,000 bytes', `/api/memories/${'i'.repeat(10_000)}`),
  ].map((request) => ({ ...request, error: 'Memory ID is too long' })),
  ...[
    legacy('not UTF-8', '/api/memories/a%FF'),
    legacy('an over-long slash', '/api/memories/a%C0%AFb'),
    legacy('half of a surrogate pair', '/api/memories/%ED%A0%80'),
    legacy('a lone percent sign', '/api/memories/100%'),
    legacy('no hexadecimal', '/api/memories/%zz'),
  ].map((request) => ({
    ...request,
    error: 'The request target holds a percent sign that is not followed by valid UTF-8 in hexadecimal',
  })),
  ...[
    legacy('a dot', '/api/memories/.'),
    legacy('two dots', '/api/memories/..'),
    legacy('an encoded dot', '/api/memories/%2e'),
    legacy('two dots, half encoded', '/api/memories/.%2E'),
  ].map((request) => ({ ...request, error: 'The request target must not hold dot segments' })),
  {
    ...legacy('a raw backslash', '/api/memories/a\\b'),
    error: 'The request target must not hold a backslash; percent-encode it',
  },
]

/** 405, Allow: DELETE. */
export const LEGACY_WRONG_METHODS: readonly LegacyRequest[] = [
  ...['GET', 'POST', 'PUT', 'PATCH', 'HEAD', 'TRACE'].map((method) => legacy(method, '/api/memories/x', method)),
  legacy('GET of the list', '/api/memories', 'GET'),
  legacy('POST to the list', '/api/memories', 'POST'),
]

/** 404, `Not found`. */
export const LEGACY_UNKNOWN_PATHS: readonly LegacyRequest[] = [
  legacy('a deeper path', '/api/memories/x/y'),
  legacy('a deeper path, read', '/api/memories/x/y', 'GET'),
  legacy('an empty segment before the id', '/api/memories//x'),
  legacy('a much deeper path', '/api/memories/a/b/c/d'),
]
