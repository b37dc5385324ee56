import type { StoredContainer } from '../shared-indices.ts'

/** What was seen of a deployment without changing anything. Times in milliseconds since 1970. */
export interface Facts {
  readonly at: number
  readonly clusters: readonly ClusterFacts[]
  readonly issuers: readonly IssuerFacts[]
  /** Certificates of the configuration itself, by their setting. */
  readonly certificates: readonly { readonly setting: string; readonly certificate: CertificateFacts }[]
}

export interface CertificateFacts {
  readonly subject: string
  readonly issuer: string
  readonly validFrom: number
  readonly validTo: number
}

export interface TlsFacts {
  readonly protocol: string
  /** The node's own first, then those that issued it, as far as it sends them. */
  readonly chain: readonly CertificateFacts[]
  /** The names that the node's certificate is for. */
  readonly names: string
  /** Why its chain is not trusted: OpenSSL's code, as in `SELF_SIGNED_CERT_IN_CHAIN`. */
  readonly untrusted: string | undefined
  /** The certificate is for other names than the node is asked under. */
  readonly isForAnotherName: boolean
}

export interface NodeFacts {
  readonly node: string
  readonly tls: TlsFacts | undefined
  readonly answer:
    | {
        readonly kind: 'answered'
        /** These where it says so to the service identity. */
        readonly version: string | undefined
        readonly name: string | undefined
        readonly clusterName: string | undefined
        readonly clusterId: string | undefined
      }
    /** It does not take the service identity's credentials. */
    | { readonly kind: 'refused'; readonly status: number }
    | { readonly kind: 'unreachable'; readonly why: string }
}

/** Who the cluster says that the service identity is; `undefined` where there is no security plugin. */
export interface IdentityFacts {
  readonly user: string
  readonly roles: readonly string[]
  /** The subject of its certificate, where it showed one. */
  readonly certificate: string | undefined
  /** Where it came from, as the cluster sees it; it does not say so to the super admin. */
  readonly address: string | undefined
}

/** Where a cluster has the keys from by which it reads tokens. `given`: keys as PEM, or secrets. */
export type TrustedKeys =
  | { readonly kind: 'given'; readonly texts: readonly string[] }
  | { readonly kind: 'jwks' | 'discovery'; readonly uri: string }

/** How the security plugin reads tokens; each of the claims as its setting names it. */
export interface TokenDomain {
  readonly name: string
  readonly type: string
  /** `undefined`: `Authorization`. */
  readonly header: string | undefined
  /** `undefined`: `sub`. */
  readonly subjectKey: string | undefined
  readonly rolesKey: string | undefined
  /** The domain before it that challenges whoever brings nothing that it reads, and so has nobody get here. */
  readonly behind: string | undefined
  /** Fingerprints of its public keys; `undefined` where they were not looked at, or are not known whole. */
  readonly keys: readonly string[] | undefined
}

/** What became of a request in the name of somebody made up, by the headers of proxy authentication. */
export interface ProxiedFacts {
  readonly isBelieved: boolean
  /** `undefined`: refused with 401. */
  readonly takenFor: string | undefined
  /** Where the gateway's requests come from, as the cluster sees it. */
  readonly address: string | undefined
  /** `undefined` where it is not for the service identity to read. */
  readonly settings: ProxySettings | undefined
}

/** Of the security plugin, all that proxy authentication hangs on. */
export interface ProxySettings {
  readonly domains: readonly {
    readonly name: string
    readonly userHeader: string
    readonly behind: string | undefined
  }[]
  readonly isXffEnabled: boolean
  readonly xffHeader: string
  /** Its regular expression; `undefined`: the plugin's own, of private networks. */
  readonly internalProxies: string | undefined
}

/** What the service identity was refused in an index. */
export type RefusedWork = 'reading documents' | 'searching' | 'statistics' | 'mappings' | 'deleting documents'

/** What becomes of a caller's own token at a cluster that reads none. */
export type UnreadTokens =
  /** Nothing asks who is calling: a token that nobody signed does as well. */
  | { readonly kind: 'ignored' }
  /** Nobody is let in by one, not even where anonymous users are. The authentication domains that there are, each with its type. */
  | { readonly kind: 'refused'; readonly domains: readonly string[] }

export interface IndexFacts {
  readonly index: string
  readonly exists: boolean
  /** By its statistics; `undefined` where they could not be had. */
  readonly documents: number | undefined
  /** It has documents that are open to searches, and shows none of them. */
  readonly isMasked: boolean
  readonly refused: readonly RefusedWork[]
  /** What keeps everybody from deleting in it. */
  readonly blocked: string | undefined
  /** Why deletes in it could not be tried. */
  readonly unavailable: string | undefined
  /** As of `GET <index>/_mapping`, where it could be had. */
  readonly mappings: unknown
}

export interface ClusterFacts {
  readonly name: string
  readonly nodes: readonly NodeFacts[]
  readonly identity: IdentityFacts | undefined
  /** `undefined` where there is no security plugin, or its configuration is not for the service identity to read. */
  readonly tokenDomains: readonly TokenDomain[] | undefined
  /** `undefined` where it reads some, or that is not known. */
  readonly unreadTokens: UnreadTokens | undefined
  /** Authentication domains that have one order, where the plugin's configuration may be read: each of the groups, by name. */
  readonly sharedOrders: readonly (readonly string[])[]
  /** `undefined` where requests are not passed through with the headers of proxy authentication, or that is not known. */
  readonly proxied: ProxiedFacts | undefined
  readonly containerIndex: string
  /** `undefined` where they could not be read. */
  readonly containers: readonly StoredContainer[] | undefined
  /** The index of the containers and those that containers name, by name. */
  readonly indices: readonly IndexFacts[]
}

export interface IssuerFacts {
  readonly issuer: string
  /** Where its keys come from; `undefined` for a secret of the configuration. */
  readonly source: string | undefined
  readonly keys: readonly KeyFacts[]
  /** Why they could not be fetched. */
  readonly error: string | undefined
  /** By how much the provider's clock is ahead of ours, by its `Date`; `undefined` where it says none. Milliseconds, good to a second. */
  readonly clockAheadMs: number | undefined
}

export interface KeyFacts {
  readonly keyId: string | undefined
  readonly type: string
  /** Those of the issuer's algorithms that it can verify. */
  readonly algorithms: readonly string[]
  /** `undefined` for what is no public key. */
  readonly fingerprint: string | undefined
}
