import type { Principal } from './principal.ts'

/** What is left of one limit on deletes in the minute that runs. */
export interface QuotaLeft {
  readonly limit: 'perMinute' | 'manyAfter'
  readonly of: number
  readonly left: number
}

/** How many deletes one subject may make, in windows of a minute. */
export interface DeleteQuota {
  /**
   * Counts deletes before they are made.
   * @throws GatewayError rateLimited, insufficientScope (`memory:delete:many`)
   */
  count(principal: Principal, deletes: number): Promise<void>
  /**
   * What {@link count} would come to at this moment; nothing is counted.
   * @returns the limits that are set, and what is left of them before these deletes
   * @throws GatewayError as `count`
   */
  foresee(principal: Principal, deletes: number): Promise<readonly QuotaLeft[]>
}
