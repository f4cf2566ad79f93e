/** The preflight of commands that change nothing: the cluster is asked as far as it answers. */
import { readFile } from 'node:fs/promises'
import { Failure } from '../core/failure.ts'
import { openAdmin } from '../cluster/admin.ts'
import { systemClock } from '../io/clock.ts'
import type { Migration } from '../manifest/migration.ts'
import type { Plan } from '../plan/plan.ts'
import { askCluster, type ClusterFacts } from '../preflight/cluster-facts.ts'
import type { PreflightFinding } from '../preflight/finding.ts'
import { mappingOfSlice } from '../plan/mapping-of-slice.ts'
import { preflight } from '../preflight/preflight.ts'
import { suggestionOf } from '../preflight/suggestion.ts'
import { suggestedSections } from '../preflight/suggestion-yaml.ts'
import { tokenRequestsOf } from '../run/token.ts'
import type { State } from '../state/state.generated.ts'

export interface PreflightOptions {
  migration: Migration
  plan: Plan
  state: State | undefined
  /** `--deep`: values are read, too. */
  deep: boolean
  /** `--offline` */
  offline: boolean
  /** Whether a cluster that cannot be asked is an error; else it is a note. */
  mustReach: boolean
  update: boolean
  signal: AbortSignal
}

export async function preflightFindings(
  options: PreflightOptions,
): Promise<{ findings: PreflightFinding[]; cluster: ClusterFacts | undefined; notes: string[] }> {
  const { migration, plan, state, deep, offline, mustReach, update, signal } = options
  const asked = offline ? undefined : await ask(options)
  const cluster = asked instanceof Failure ? undefined : asked
  const findings = await preflight({
    ...{ migration, plan, slices: plan.slices, state, cluster, update, clock: systemClock, signal },
    isDeep: () => deep,
  })
  if (!(asked instanceof Failure)) return { findings, cluster, notes: cluster?.notes ?? [] }
  if (mustReach) return { findings: [unreachable(asked, migration), ...findings], cluster, notes: [] }
  return { findings, cluster, notes: [`the cluster could not be asked what it has: ${asked.message}`] }
}

/** For `--suggest`: sections of the manifest to be put in the place of those that are there. */
export async function suggestedYaml(
  { migration, plan }: Pick<PreflightOptions, 'migration' | 'plan'>,
  findings: readonly PreflightFinding[],
): Promise<string> {
  const text = await readFile(migration.file, 'utf8')
  const indexOf = (mapping: Plan['mappings'][number]) =>
    mappingOfSlice(migration, { id: '', mapping, window: migration.timeRange, files: [] }).index
  return suggestedSections(text, migration.environment, suggestionOf(findings), plan, indexOf)
}

async function ask({ migration, plan, signal }: PreflightOptions): Promise<ClusterFacts | Failure> {
  try {
    const admin = await openAdmin(migration.target, signal)
    try {
      return await askCluster({
        ...{ migration, admin, clock: systemClock, signal },
        tokens: tokenRequestsOf({ migration, plan }),
        targets: plan.databases.map(({ name }) => name),
      })
    } finally {
      await admin?.close()
    }
  } catch (error) {
    if (!(error instanceof Failure) || signal.aborted) throw error
    return error
  }
}

function unreachable({ code, message, where, remedy }: Failure, { target }: Migration): PreflightFinding {
  return {
    ...{ severity: 'error', code, what: 'cluster that cannot be asked', where: where ?? target.url },
    details: [message],
    remedies: remedy === undefined ? [] : [{ kind: 'words', text: remedy }],
  }
}
