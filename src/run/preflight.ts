/** The preflight of a run: with an error nothing is written. */
import { ExitCode, Failure } from '../core/failure.ts'
import { ping } from '../cluster/http.ts'
import { askCluster } from '../preflight/cluster-facts.ts'
import type { ClusterAdmin } from '../cluster/cluster.ts'
import { mappingOfSlice } from '../plan/mapping-of-slice.ts'
import { preflight } from '../preflight/preflight.ts'
import { reportOf } from '../preflight/report.ts'
import { countFindings, hasErrors } from '../preflight/show-preflight.ts'
import type { Slice } from '../plan/plan.ts'
import { targetsOf, type RunContext } from './context.ts'
import { tokenRequestsOf } from './token.ts'

/** Phases that talk to the cluster. */
const ONLINE = ['create', 'token', 'write', 'verify'] as const

/** @throws Failure `preflight/unresolved` (exit code 2), those of reaching the cluster */
export async function preflightOfRun(
  context: RunContext,
  openAdmin: () => Promise<ClusterAdmin | undefined>,
): Promise<void> {
  const { migration, plan, state, slices, update, clock, signal, observe, phases } = context
  const isOnline = ONLINE.some((phase) => phases.has(phase))
  const isLeft = slices.some(({ id }) => state.state.slices[id]?.status !== 'written')
  if (!isLeft) return isOnline ? void (await ping(migration.target, signal)) : undefined
  const cluster = isOnline
    ? await askCluster({
        ...{ migration, clock, signal },
        tokens: tokenRequestsOf(context),
        targets: [...targetsOf(context)],
        admin: phases.has('create') ? await openAdmin() : undefined,
      })
    : undefined
  const { environment } = migration
  const findings = await preflight({
    ...{ migration, plan, slices, state: state.state, cluster, update, clock, signal },
    replayedWals: context.reading?.replayedWals,
    // What is exported ahead is looked at then, before anything is written.
    isDeep: (slice) => migration.transfer === 'direct' && refusesValues(context, slice),
    onSlice: ({ slices, bytes }, all) => {
      const progress = { slices, slicesTotal: all.slices, rows: 0, done: bytes, total: all.bytes, bytes }
      observe({ type: 'progress', phase: 'validate', progress })
    },
  })
  // Its export says the same in a moment, and fails it.
  const told = findings.filter(({ code }) => !code.startsWith('export/') || code === 'export/source-changed')
  if (told.length === 0) return
  const report = reportOf(told, migration)
  observe({ type: 'preflight', ...report })
  if (!hasErrors(told)) return
  throw new Failure(
    'preflight/unresolved',
    `the cluster would not take everything (${countFindings(report.findings)}): nothing was written`,
    {
      where: migration.file,
      remedy:
        'Resolve the errors above in the manifest, and run again. All suggestions together, to be pasted:\n' +
        `influx-ferry validate --deep --suggest ${migration.file}${environment === undefined ? '' : ` --env ${environment}`}`,
      exit: ExitCode.manifest,
    },
  )
}

function refusesValues({ migration }: RunContext, slice: Slice): boolean {
  return mappingOfSlice(migration, slice).onInexpressible === 'fail'
}
