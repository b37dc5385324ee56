import { z } from 'zod'

import { UPGRADES } from '../core/asked-upgrade.ts'
import { audit } from './audit-schema.ts'
import { erasures } from './erasures-schema.ts'
import { receipts } from './receipts-schema.ts'
import { revocation } from './revocation-schema.ts'
import { addressRange, claim, duration, nodeUrl, port } from './scalars.ts'

const ASYMMETRIC = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
] as const // prettier-ignore
const HMAC = ['HS256', 'HS384', 'HS512'] as const

/** Where an issuer's keys are. Exactly one of the keys is set. */
const keySource = {
  jwks: z
    .union([
      z.strictObject({ uri: z.url('must be the address of a key set') }),
      z.strictObject({ file: z.string().min(1, 'must be the path of a key set') }),
    ])
    .optional(),
  /** OpenID Connect discovery: `true` looks below the issuer, a string is the address of the document. */
  discovery: z.union([z.literal(true), z.url()]).optional(),
  /** An HMAC secret, base64url; as `file:PATH` or `${ENV}`. */
  secret: z.string().optional(),
}

const issuer = z
  .strictObject({
    issuer: z.string().min(1, 'must be the exact `iss` of the tokens'),
    audience: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .transform((value) => (typeof value === 'string' ? [value] : value)),
    algorithms: z
      .array(z.enum([...ASYMMETRIC, ...HMAC]))
      .min(1)
      .default(['ES256', 'RS256']),
    ...keySource,
    clockTolerance: duration('5s'),
    requiredClaims: z.array(claim).default([]),
    /** Accepted `typ` headers; an empty string admits tokens without one. */
    types: z.array(z.string()).min(1).default(['JWT', 'at+jwt', '']),
    claims: z
      .strictObject({
        subject: claim.default('sub'),
        scopes: claim.default('scope'),
        roles: claim.default('roles'),
        backendRoles: claim.default('backend_roles'),
        container: claim.default('memory_container'),
        containers: claim.default('containers'),
      })
      .prefault({}),
    /** Put before every name that this issuer's tokens yield. At most one issuer goes without. */
    namePrefix: z.string().default(''),
    keySet: z
      .strictObject({
        maxAge: duration('1h'),
        refreshBefore: duration('10m'),
        cooldown: duration('30s'),
        staleFor: duration('1h'),
        fetchTimeout: duration('5s'),
        maxBytes: z.int().min(1_024).default(262_144),
        maxKeys: z.int().min(1).default(100),
        /** A copy of the last good key set, so that a start does not depend on the key server. */
        diskPath: z.string().min(1).optional(),
        /** PEM file of the authorities that the key server's certificate may come from. */
        ca: z.string().min(1).optional(),
      })
      .prefault({}),
  })
  .superRefine((value, context) => {
    const sources = [value.jwks, value.discovery, value.secret].filter((source) => source !== undefined)
    if (sources.length === 1) return
    context.addIssue({
      code: 'custom',
      message: 'needs exactly one of jwks, discovery and secret: it says where the keys are',
    })
  })

const service = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('basic'), username: z.string().min(1), password: z.string().min(1) }),
  z.strictObject({ kind: z.literal('bearer'), token: z.string().min(1) }),
  z.strictObject({ kind: z.literal('clientCertificate'), cert: z.string().min(1), key: z.string().min(1) }),
])

const cluster = z.strictObject({
  nodes: z
    .array(nodeUrl)
    .min(1, 'needs at least one node')
    .refine((nodes) => new Set(nodes).size === nodes.length, 'names a node twice'),
  tls: z.strictObject({ ca: z.string().min(1).optional() }).prefault({}),
  service,
  passThrough: z
    .strictObject({
      identity: z.enum(['caller', 'proxyHeaders', 'service']).default('caller'),
      /** PEM files of the pair that proxyHeaders connects with. */
      cert: z.string().min(1).optional(),
      key: z.string().min(1).optional(),
      engine: z.enum(['undici', 'http-proxy-middleware']).default('undici'),
      /** Whether callers may choose their tenant of OpenSearch Dashboards by `securitytenant`. */
      allowTenantHeader: z.boolean().default(false),
    })
    .superRefine(({ identity, cert, key }, context) => {
      const given = [cert, key].filter((file) => file !== undefined).length
      if (given === (identity === 'proxyHeaders' ? 2 : 0)) return
      const message =
        identity === 'proxyHeaders'
          ? 'needs cert and key with identity proxyHeaders: whoever connects may say who is calling'
          : 'takes cert and key only with identity proxyHeaders'
      context.addIssue({ code: 'custom', message })
    })
    .prefault({}),
  connectTimeout: duration('2s'),
  /** Longest silence of a node in a request of the gateway's own before another node is asked. */
  attemptTimeout: duration('3s'),
  /** When a node gets no requests for a while, where there are others. */
  ejection: z
    .strictObject({
      /** Connection failures and answers of 502, 503 and 504 in a row. */
      failures: z.int().min(1).max(1_000).default(3),
      /** The first time; it doubles from time to time, up to maxBackoff. */
      backoff: duration('1s'),
      maxBackoff: duration('30s'),
      /** How often it is seen whether a node is to be asked if it is well. */
      checkInterval: duration('1s'),
    })
    .prefault({}),
  /** How many requests may be sent to another node as well. */
  retryBudget: z
    .strictObject({
      /** For each hundred requests. */
      percent: z.int().min(0).max(100).default(20),
      /** A second, however few requests there are. */
      perSecond: z.int().min(0).max(10_000).default(10),
    })
    .prefault({}),
  /** Below the idle time of the nodes, and of any balancer before them. */
  idleTimeout: duration('4s'),
  /** Longest silence of a node in a passed-through answer, and longest time in which its caller takes nothing of it. */
  silenceTimeout: duration('5m'),
  maxConnections: z.int().min(1).max(10_000).default(256),
  /** So many memory requests in a row without a word from the cluster, and callers are refused at once for the cooldown. */
  circuit: z.strictObject({ failures: z.int().min(1).default(5), cooldown: duration('1s') }).prefault({}),
})

const claimValues = z.record(
  z.string().min(1),
  z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat()),
)

const route = z.strictObject({
  when: z
    .strictObject({
      issuer: z.string().min(1).optional(),
      claim: claimValues.optional(),
      containers: z.array(z.string().min(1)).min(1).optional(),
      paths: z.array(z.string().regex(/^\//, 'must begin with a slash')).min(1).optional(),
      indices: z.array(z.string().min(1)).min(1).optional(),
    })
    .prefault({}),
  require: z.strictObject({ claim: claimValues.default({}) }).prefault({}),
  cluster: z.string().min(1),
})

const origin = z
  .string()
  .refine(
    (text) =>
      text === '*' ||
      (URL.canParse(text) && new URL(text).origin === text) ||
      /^[a-z-]+-extension:\/\/[\w-]+$/.test(text),
    {
      message: 'must be an origin as browsers send it, as in https://app.example, or * for any',
    },
  )

const indexPattern = z
  .string()
  .regex(/^[^,\s<>:A-Z]+$/, 'must be the name of an index, lower-case, * for any characters')

const guardRule = z
  .strictObject({
    methods: z
      .array(z.string().regex(/^[A-Z]+$/, 'must be a method as it is sent: upper-case'))
      .min(1)
      .optional(),
    paths: z
      .array(
        z.string().regex(/^\/[^?#]*$/, 'must begin with a slash; * within a segment, ** for any number of segments'),
      )
      .min(1)
      .optional(),
    classes: z
      .array(z.enum(['read', 'write', 'admin']))
      .min(1)
      .optional(),
    indices: z.array(indexPattern).min(1).optional(),
    /** Any one of them will do. None: nobody may. */
    scopes: z.array(z.string().regex(/^[!#-[\]-~]+$/, 'must be a scope (RFC 6749 section 3.3)')),
    /** To what a connection may be upgraded by a request that this rule lets through. */
    upgrade: z.array(z.enum(UPGRADES)).min(1).optional(),
  })
  .refine(({ upgrade, paths, scopes }) => upgrade === undefined || (paths !== undefined && scopes.length > 0), {
    path: ['upgrade'],
    message: 'needs paths, since what an upgraded connection carries is not inspected, and scopes',
  })

const guard = z
  .strictObject({
    mode: z.enum(['enforce', 'observe']).default('enforce'),
    /** First match wins; what fits no rule is refused. */
    rules: z.array(guardRule).default([
      { classes: ['read'], scopes: ['opensearch:read'] },
      { classes: ['write'], scopes: ['opensearch:write'] },
      { classes: ['admin'], scopes: ['opensearch:admin'] },
    ]),
    /** What only opensearch:admin reaches: memories, and indices whose name begins with a dot. */
    protectedIndices: z
      .strictObject({
        mode: z.enum(['enforce', 'observe']).default('enforce'),
        more: z.array(indexPattern).default([]),
        except: z.array(indexPattern.startsWith('.', 'must begin with a dot: others are not protected')).default([]),
      })
      .prefault({}),
    /** What is known of the cluster's indices, aliases and data streams. */
    indexTable: z.strictObject({ freshFor: duration('1s'), maxAge: duration('30s') }).prefault({}),
    /** Bodies that may name indices are read; what is longer than this is refused, but for `opensearch:admin`. */
    bodies: z
      .strictObject({
        searchBytes: z.int().min(1_024).max(104_857_600).default(1_048_576),
        lineBytes: z.int().min(1_024).max(1_048_576).default(65_536),
        inflatedBytes: z.int().min(1_024).default(268_435_456),
      })
      .prefault({}),
  })
  .prefault({})
  .refine((value) => value.mode === 'observe' || value.protectedIndices.mode === 'enforce', {
    path: ['protectedIndices', 'mode'],
    message: 'can only be observe where guard.mode is observe',
  })

const log = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    /** How access lines name callers. */
    subject: z.enum(['plain', 'hash', 'none']).default('plain'),
    /** Of the hashes; as `file:PATH` or `${ENV}`. */
    subjectKey: z
      .string()
      .refine((text) => text.length >= 16, 'must be 16 or more characters')
      .optional(),
  })
  .refine(({ subject, subjectKey }) => subject !== 'hash' || subjectKey !== undefined, {
    path: ['subjectKey'],
    message: 'is needed with subject: hash; who knows it can tell whose hash it is, so keep it as a secret',
  })
  .prefault({})

export const schema = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(8080),
      /** PEM files of the certificate, with its chain, and of its key: HTTPS with HTTP/2 and HTTP/1.1. */
      tls: z.strictObject({ cert: z.string().min(1), key: z.string().min(1), reread: duration('10s') }).optional(),
      /** Whose `X-Forwarded-*` and `Forwarded` are believed. */
      trustedProxies: z.array(addressRange).default([]),
    })
    .prefault({}),
  ops: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(9090),
      /** Who may ask more than probes and metrics there; as `file:PATH` or `${ENV}`. Off loopback nobody may without one. */
      token: z
        .string()
        .refine(
          (text) => /^[\x21-\x7e]{16,}$/.test(text),
          'must be 16 or more visible ASCII characters, without spaces',
        )
        .optional(),
    })
    .prefault({}),
  auth: z.strictObject({
    issuers: z.array(issuer).min(1, 'needs at least one issuer'),
    /** How many verified tokens are remembered. */
    rememberedTokens: z.int().min(0).max(1_000_000).default(10_000),
  }),
  clusters: z
    .record(z.string().regex(/^[\w-]+$/, 'must be a name of letters, digits, - and _'), cluster)
    .refine((value) => Object.keys(value).length > 0, { message: 'needs at least one cluster' }),
  /** Which cluster a request goes to: the first route that takes it. Without any, the only cluster takes all. */
  routes: z.array(route).min(1).optional(),
  memory: z
    .strictObject({
      ownership: z
        .strictObject({
          fields: z
            .array(z.string().regex(/^[^.*]+(?:\.[^.*]+)*$/, 'must be a plain field name, dotted for a nested one'))
            .default(['owner_id']),
          unowned: z.enum(['deny', 'allow']).default('deny'),
        })
        .prefault({}),
      containersWithoutOwner: z.enum(['allow', 'scope', 'deny']).default('allow'),
      containerIndex: z.string().min(1).default('.plugins-ml-am-memory-container'),
    })
    .prefault({}),
  legacy: z
    .strictObject({
      /** The container of legacy callers whose token names none. */
      container: z.string().min(1).optional(),
      types: z
        .array(z.enum(['sessions', 'working', 'long-term', 'history']))
        .min(1)
        .default(['long-term', 'working', 'sessions', 'history']),
      missing: z.union([z.literal(200), z.literal(404)]).default(404),
      /** `POST /api/memories/bulk-delete`: ids and bytes of one request at most. */
      bulk: z
        .strictObject({
          maxIds: z.int().min(1).max(10_000).default(1_000),
          maxBytes: z.int().min(1_024).default(1_048_576),
        })
        .prefault({}),
      cors: z.strictObject({ origins: z.array(origin).default([]) }).prefault({}),
    })
    .prefault({}),
  guard,
  limits: z
    .strictObject({
      /** For a memory request as a whole, cluster included. */
      deadline: duration('10s'),
      /** For a delete by query, or of a container, as a whole. */
      queryDeadline: duration('5m'),
      /** Of the body of a delete by query. */
      queryBytes: z.int().min(1_024).default(1_048_576),
      headersTimeout: duration('10s'),
      /** For a request to arrive whole, body included. */
      requestTimeout: duration('10m'),
      connections: z.int().min(1).default(10_000),
      /** Requests under way at once, on all connections. */
      inFlight: z.int().min(1).default(5_000),
      /** Of the body of a request that is passed through; no limit of ours where absent. */
      bodyBytes: z.int().min(1).optional(),
      /** Of one subject, in memory or together in the shared state; 0 for no limit. */
      deletes: z
        .strictObject({
          perMinute: z.int().min(0).default(0),
          /** Beyond it the token must hold `memory:delete:many`. */
          manyAfter: z.int().min(0).default(0),
        })
        .prefault({}),
      headerBytes: z.int().min(1_024).max(1_048_576).default(16_384),
      /** How long requests are still taken, while `/readyz` says no, once the gateway was told to stop: as long as balancers need to notice. */
      drainDelay: duration('0s'),
      /** How long requests under way may take to finish once the gateway was told to stop. */
      drain: duration('30s'),
    })
    .prefault({}),
  /** Answers to deletes with an Idempotency-Key. */
  idempotency: z
    .strictObject({
      keepFor: duration('10m'),
      /** In memory; a shared state is bounded by its server. */
      maxAnswers: z.int().min(1).default(10_000),
      maxBytes: z.int().min(1_024).default(16_777_216),
    })
    .prefault({}),
  /** A Redis or Valkey server that several gateways share; without its address each keeps its own in memory. */
  sharedState: z
    .strictObject({
      url: z
        .string()
        .regex(/^rediss?:\/\/[^\s@]+$/, 'must be redis://HOST:PORT or rediss://HOST:PORT, without a password')
        .optional(),
      username: z.string().min(1).optional(),
      password: z.string().min(1).optional(),
      /** PEM files: the authorities that the server's certificate may come from, and a client's pair where the server asks for one. */
      tls: z
        .strictObject({
          ca: z.string().min(1).optional(),
          cert: z.string().min(1).optional(),
          key: z.string().min(1).optional(),
        })
        .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'takes cert and key together')
        .optional(),
      keyPrefix: z.string().default('memory-gateway:'),
      timeout: duration('500ms'),
    })
    .refine(({ url, tls }) => tls === undefined || url?.startsWith('rediss://') === true, {
      path: ['tls'],
      message: 'is of use only with a url that begins with rediss://',
    })
    .prefault({}),
  audit,
  receipts,
  revocation,
  erasures,
  /** Taking up changes of this file, and of those that it names, while the gateway runs. */
  reload: z
    .strictObject({
      /** Without it on SIGHUP and `POST /reload` alone. */
      watch: z.boolean().default(true),
      /** How often the files are looked at. */
      interval: duration('5s'),
    })
    .prefault({}),
  log,
})

export type ConfigFile = z.output<typeof schema>
export type ConfigInput = z.input<typeof schema>
