/**
 * Notes about what 1.x clients will find afterwards. The cluster's v1 API joins `db` and `rp` to `db/rp`, but takes
 * no rp, `autogen` and `default` for the bare `db`, and writes with the rp in lower case.
 */
import type { Finding, Path } from './finding.ts'
import type { Mapping } from './manifest.generated.ts'
import { checkTargetName, couldBeTarget, exactTarget, matchesPattern } from './target-name.ts'

export function* autogenNotes(mapping: Mapping, path: Path): Generator<Finding> {
  const { database, retentionPolicy } = mapping
  if (database === undefined || retentionPolicy === undefined) return
  const place = [...path, 'target']
  const databaseName = database.includes('*') ? 'NAME' : database
  // The cluster has no database of such a name: 1.x clients of it must change in any case.
  if (checkTargetName(databaseName) !== undefined) return
  const isAutogen = /^(autogen|default)$/i.test(retentionPolicy)
  if ((isAutogen || matchesPattern(retentionPolicy, 'autogen')) && !couldBeTarget(databaseName, mapping)) {
    const policy = isAutogen ? retentionPolicy : 'autogen'
    const target =
      exactTarget({ ...mapping, database: databaseName, retentionPolicy: policy }) ?? mapping.target
    const instead = isAutogen
      ? `write target: "${database === databaseName ? database : '{database}'}"`
      : `give that policy a mapping of its own before this one, with target: "${database === databaseName ? database : '{database}'}"`
    yield {
      severity: 'note',
      code: 'mapping/autogen',
      message: `v1 clients that use db=${databaseName} with rp=${policy} or no rp will reach the database "${databaseName}", not "${target}"`,
      path: place,
      hint: `let them use db=${target} without rp, or bucket=${target}; or ${instead}`,
    }
  }
  const target = exactTarget(mapping)
  const policyName = target?.startsWith(`${database}/`) === true ? target.slice(database.length + 1) : ''
  if (policyName !== policyName.toLowerCase())
    yield {
      severity: 'note',
      code: 'mapping/upper-case',
      message: `v1 clients that write with rp=${policyName} will reach "${database}/${policyName.toLowerCase()}": the cluster writes with the rp in lower case`,
      path: place,
      hint: `let them use db=${target} without rp, or bucket=${target}`,
    }
}
