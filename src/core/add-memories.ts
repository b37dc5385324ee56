import { GatewayError } from './failure.ts'
import { readMembers } from './query/read-members.ts'

/**
 * Checks the body of `POST .../memories`: the plugin lets its member `memory_container_id` override the container of the path (3.4 to 3.8), and
 * `tenant_id` the tenant; what was decided on the path would not hold for what is written.
 * @throws GatewayError invalidBody
 */
export function checkAddition(body: string, containerId: string): void {
  const members = readMembers(body)
  const named = members.get('memory_container_id')
  if (named !== undefined && named.value !== containerId) {
    throw new GatewayError('invalidBody', {
      reason: 'The body names another memory container [memory_container_id] than the path; leave it out',
    })
  }
  if ((members.get('tenant_id')?.value ?? null) !== null) {
    throw new GatewayError('invalidBody', { reason: 'The body must not name a tenant [tenant_id]' })
  }
}
