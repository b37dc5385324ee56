/** Who asks, where the recording's caller is put into words of the gateway's. */
export interface Caller {
  readonly subject: string
  readonly scopes: readonly string[]
  readonly backendRoles?: readonly string[]
  readonly roles?: readonly string[]
  /** Why this caller stands for the one of the recording. */
  readonly why: string
}

/** A memory as it was stored when the recording was made; ids and indices are the recording's. */
export interface StoredMemory {
  readonly index: string
  readonly id: string
  readonly source: Readonly<Record<string, unknown>>
  readonly routing?: string
}

export interface RecordedRequest {
  readonly method: string
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface RecordedResponse {
  readonly status: number
  /** All of them, but for content-length. */
  readonly headers: Readonly<Record<string, string>>
  /** As it was recorded, to the byte. */
  readonly body: string
}

/** What a real server with the ml-commons plugin was asked, and what it answered. */
export interface TranscriptCase {
  readonly number: string
  readonly title: string
  /** Whom the test asks: the gateway, or the cluster itself where the recording fixes what the gateway relies on. */
  readonly asks: { readonly kind: 'gateway'; readonly caller: Caller } | { readonly kind: 'cluster' }
  /** There are no containers at all. */
  readonly withoutContainers?: true
  readonly memories?: readonly StoredMemory[]
  /** Containers and indices are put back for the next case. */
  readonly deletesContainers?: true
  /** An index that holds nothing but `memories` before, whatever other cases left there. */
  readonly empties?: string
  /** Memories that must not be there before, whatever other cases did. */
  readonly absent?: readonly StoredMemory[]
  /** The numbers of cases whose requests came just before. */
  readonly after?: readonly string[]
  readonly request: RecordedRequest
  readonly response: RecordedResponse
  /** Memories of `memories` that are gone, or still there, when the answer has come. */
  readonly gone?: readonly string[]
  readonly there?: readonly string[]
}

/** The security plugin was off when most were recorded: nobody had a name, and the plugin let anyone delete anything. */
export const ANYONE: Caller = {
  subject: 'anyone',
  scopes: ['memory:delete:any'],
  why: 'security was off, so the plugin let anyone delete anything: here that is whoever holds memory:delete:any',
}

export const ALICE: Caller = user('alice', 'eng')
export const BOB: Caller = user('bob', 'sales')
export const CAROL: Caller = user('carol', 'eng')
export const ROOT: Caller = {
  subject: 'root',
  scopes: ['memory:delete:any'],
  backendRoles: ['admin'],
  roles: ['all_access'],
  why: "the recording's user had the role all_access; what that role may do, here the scope memory:delete:any may",
}

function user(subject: string, backendRole: string): Caller {
  return {
    subject,
    scopes: ['memory:delete'],
    backendRoles: [backendRole],
    why: 'the same user with the same backend role; ml_full_access is the scope memory:delete here',
  }
}

const VERSION = 'OpenSearch/3.4.0 (opensearch)'

/** A recorded JSON answer; more headers where the server sent more. */
export function json(status: number, body: string, more: Readonly<Record<string, string>> = {}): RecordedResponse {
  return {
    status,
    headers: { 'x-opensearch-version': VERSION, 'content-type': 'application/json; charset=UTF-8', ...more },
    body,
  }
}

export function yaml(status: number, body: string): RecordedResponse {
  return { status, headers: { 'x-opensearch-version': VERSION, 'content-type': 'application/yaml' }, body }
}

export function byGateway(caller: Caller): TranscriptCase['asks'] {
  return { kind: 'gateway', caller }
}

export const byCluster: TranscriptCase['asks'] = { kind: 'cluster' }
