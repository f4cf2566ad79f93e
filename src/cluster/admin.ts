import type { Target } from '../manifest/migration.ts'
import type { ClusterAdmin } from './cluster.ts'
import { openInfluxctl } from './influxctl.ts'
import { openManagementApi } from './management-api.ts'

/**
 * The administration that the manifest names; `undefined` for `admin.kind: none`. Nothing is asked of the cluster yet.
 *
 * @throws Failure `secret/...`, `cluster/ca-unreadable`
 */
export async function openAdmin(target: Target, signal: AbortSignal): Promise<ClusterAdmin | undefined> {
  switch (target.admin.kind) {
    case 'influxctl':
      return openInfluxctl(target, target.admin, signal)
    case 'api':
      return openManagementApi(target, target.admin, signal)
    case 'none':
      return undefined
  }
}
