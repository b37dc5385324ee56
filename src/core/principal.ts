/** Who is calling, as their verified token says. Names are already unique across issuers: see `namePrefix` in the configuration. */
export interface Principal {
  /** The subject, with the issuer's prefix in front where it has one. Never empty. */
  readonly subject: string
  readonly issuer: string
  readonly scopes: ReadonlySet<string>
  readonly roles: readonly string[]
  /** Compared with a container's `backend_roles`; prefixed like the subject. */
  readonly backendRoles: readonly string[]
  /** The container that legacy calls of this token mean, where the token names one. */
  readonly container: string | undefined
  /** The `containers` claim: the containers without an owner that this token may use, where `containersWithoutOwner` is `scope`. */
  readonly containers: readonly string[]
  /** What else the token says that the operator's routes ask for: each claim's values as texts. */
  readonly claims: ReadonlyMap<string, readonly string[]>
  /** `exp`, in seconds since 1970. */
  readonly expiresAt: number
  /** `jti`, where the token has one. */
  readonly tokenId?: string
  /** `iat`, in seconds since 1970, where the token has one. */
  readonly issuedAt?: number
}

/** The scopes that the gateway knows. */
export const SCOPES = [
  'memory:read',
  'memory:read:any',
  'memory:write',
  'memory:write:any',
  'memory:delete',
  'memory:delete:any',
  'memory:delete:many',
  'memory:delete:container',
  'opensearch:read',
  'opensearch:write',
  'opensearch:admin',
] as const

export type Scope = (typeof SCOPES)[number]

/** The scopes that open every container and every memory, each to one kind of work: who may erase anything has not been told to read it. */
export type Override = Extract<Scope, `${string}:any`>
