/** A container's document as the plugin stored it. */
export interface StoredContainer {
  readonly id: string
  readonly source: {
    readonly configuration: { readonly index_prefix: string; readonly [field: string]: unknown }
    readonly [field: string]: unknown
  }
}

const STRATEGY = { enabled: true, type: 'SEMANTIC', namespace: ['user_id'] }
const WITH_MODELS = {
  llm_id: 'rARbAKIBPCoxE7591nvJ',
  embedding_model_type: 'SPARSE_ENCODING',
  embedding_model_id: 'rwRbAKIBPCoxE7593Xub',
  embedding_dimension: null,
  max_infer_size: 5,
}

function ownerOf(name: string, backendRole: string): object {
  return {
    name,
    backend_roles: [backendRole],
    roles: ['ml_full_access'],
    user_requested_tenant: null,
    user_requested_tenant_access: null,
    custom_attribute_names: [],
  }
}

/** The raw documents of 035, 036, 037, 054 and 303, and after their pattern those whose raw documents were not recorded. */
export const CONTAINERS = {
  /** 035 */
  A: {
    id: 'nQRbAKIBPCoxE759eHuW',
    source: {
      name: 'A',
      description: 'container A',
      created_time: 1795302324277,
      last_updated_time: 1795302324277,
      configuration: { index_prefix: 'acme', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
  /** Its id is known from 150: a second container on the index prefix of A. */
  B: {
    id: 'oARbAKIBPCoxE759gXtb',
    source: {
      name: 'B',
      configuration: { index_prefix: 'acme', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
  /** 036 */
  standard: {
    id: 'oQRbAKIBPCoxE759g3sT',
    source: {
      name: 'default container',
      created_time: 1795302327056,
      last_updated_time: 1795302327056,
      configuration: { index_prefix: 'default', disable_history: false, disable_session: true, use_system_index: true },
    },
  },
  /** 037 */
  disabled: {
    id: 'owRbAKIBPCoxE759h3tU',
    source: {
      name: 'disabled',
      created_time: 1795302328148,
      last_updated_time: 1795302328148,
      configuration: { index_prefix: 'nosess', disable_history: true, disable_session: true, use_system_index: false },
    },
  },
  /** 054 */
  system: {
    id: 'tgRcAKIBPCoxE759Ynvr',
    source: {
      name: 'SYS',
      created_time: 1795302384363,
      last_updated_time: 1795302384363,
      configuration: {
        index_prefix: 'sys',
        ...WITH_MODELS,
        strategies: [{ id: 'semantic_6ef6adbf', ...STRATEGY }],
        disable_history: false,
        disable_session: false,
        use_system_index: true,
      },
    },
  },
  /** Its id is known from 105, its strategy too. */
  longTerm: {
    id: 'sQRcAKIBPCoxE759XXt-',
    source: {
      name: 'LT',
      configuration: {
        index_prefix: 'lt',
        ...WITH_MODELS,
        strategies: [{ id: 'semantic_4e7c3142', ...STRATEGY }],
        disable_history: false,
        disable_session: false,
        use_system_index: false,
      },
    },
  },
  /** 303 */
  ofAlice: {
    id: 'j5BrAKIB8rytUh2Dwk3W',
    source: {
      name: 'UA',
      owner: ownerOf('alice', 'eng'),
      created_time: 1795303391906,
      last_updated_time: 1795303391906,
      configuration: {
        index_prefix: 'own',
        ...WITH_MODELS,
        strategies: [{ id: 'semantic_5d252f4b', ...STRATEGY }],
        disable_history: false,
        disable_session: false,
        use_system_index: false,
      },
    },
  },
  /** Its id is known from 312: on the index prefix of alice's. */
  ofBob: {
    id: 'lJBrAKIB8rytUh2DzE2z',
    source: {
      name: 'UB',
      owner: ownerOf('bob', 'sales'),
      configuration: { index_prefix: 'own', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
  /** Its id is known from 422: somebody deleted its index. */
  indexGone: {
    id: 'nJBsAKIB8rytUh2D0k3L',
    source: {
      name: 'gone',
      configuration: { index_prefix: 'gone', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
  /** Its id is known from 426: its index has several shards. */
  severalShards: {
    id: 'npBsAKIB8rytUh2D1E2t',
    source: {
      name: 'ms',
      configuration: { index_prefix: 'ms', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
  /** Its id is known from 200. */
  plain: {
    id: 'pQRbAKIBPCoxE759invZ',
    source: {
      name: 'plain',
      configuration: { index_prefix: 'plain', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
  /** Its id is known from 231: without strategies, its long-term and history indices were never created. */
  noStrategies: {
    id: '1QReAKIBPCoxE759l3tq',
    source: {
      name: 'nostrat',
      configuration: {
        index_prefix: 'nostrat',
        disable_history: false,
        disable_session: false,
        use_system_index: false,
      },
    },
  },
  /** Its id is known from 241. */
  sessionOff: {
    id: '2AReAKIBPCoxE759m3sV',
    source: {
      name: 'sessoff',
      configuration: {
        index_prefix: 'sessoff',
        disable_history: false,
        disable_session: true,
        use_system_index: false,
      },
    },
  },
  /** Its id is known from 251. */
  selective: {
    id: '2gReAKIBPCoxE759nnsC',
    source: {
      name: 'sel',
      configuration: { index_prefix: 'sel', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
  /** Its id is known from 254. */
  bogus: {
    id: '3gReAKIBPCoxE759o3sk',
    source: {
      name: 'bogus',
      configuration: { index_prefix: 'bogus', disable_history: false, disable_session: false, use_system_index: false },
    },
  },
} as const satisfies Readonly<Record<string, StoredContainer>>

/** The indices that there were, and their shards. What a container names beyond these was never created, or is gone. */
export const INDICES: Readonly<Record<string, number>> = {
  'acme-memory-sessions': 1,
  'acme-memory-working': 1,
  'plain-memory-working': 1,
  'nostrat-memory-sessions': 1,
  'nostrat-memory-working': 1,
  'sessoff-memory-working': 1,
  'sel-memory-sessions': 1,
  'sel-memory-working': 1,
  'lt-memory-sessions': 1,
  'lt-memory-working': 1,
  'lt-memory-long-term': 1,
  'lt-memory-history': 1,
  'own-memory-sessions': 1,
  'own-memory-working': 1,
  'ms-memory-working': 5,
  '.plugins-ml-am-sys-memory-working': 1,
  '.plugins-ml-am-default-memory-working': 1,
}
