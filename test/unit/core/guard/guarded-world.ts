import { decideTarget } from '../../../../src/core/guard/decide.ts'
import type { Decision, GuardPolicy } from '../../../../src/core/guard/decide.ts'
import { makeIndexTable } from '../../../../src/core/guard/index-table.ts'
import type { IndexTable } from '../../../../src/core/guard/index-table.ts'
import type { Principal } from '../../../../src/core/principal.ts'
import { parseTarget } from '../../../../src/core/target.ts'
import { schema } from '../../../../src/config/schema.ts'
import { GUARDED_WORLD } from '../../../vectors/guard-requests.ts'

/** The rules as they come. */
export const DEFAULT_RULES = schema.shape.guard.parse({}).rules

export const DEFAULT_POLICY: GuardPolicy = { rules: DEFAULT_RULES, protection: { more: [], except: [] } }

export function guardedTable(policy: GuardPolicy = DEFAULT_POLICY): IndexTable {
  const groups = Object.entries(GUARDED_WORLD.aliases).map(([name, indices]) => ({ name, indices }))
  return makeIndexTable({ indices: GUARDED_WORLD.indices, groups }, policy.protection)
}

export function caller(...scopes: readonly string[]): Principal {
  return {
    subject: 'alice',
    issuer: 'https://issuer.test',
    scopes: new Set(scopes),
    roles: [],
    backendRoles: [],
    container: undefined,
    containers: [],
    claims: new Map(),
    expiresAt: 4_102_444_800,
  }
}

interface Asked {
  readonly scopes?: readonly string[]
  readonly policy?: GuardPolicy
  readonly table?: IndexTable | undefined
}

/** Decides on a request line, as in `GET /a/_search`. */
export function decide(
  line: string,
  { scopes = ['opensearch:read'], policy = DEFAULT_POLICY, ...rest }: Asked = {},
): Decision {
  const space = line.indexOf(' ')
  const question = {
    method: line.slice(0, space),
    target: parseTarget(line.slice(space + 1)),
    principal: caller(...scopes),
  }
  return decideTarget(question, policy, 'table' in rest ? rest.table : guardedTable(policy))
}
