/** The preflight of a run: with an error nothing is written. */
import { ExitCode, Failure } from '../core/failure.ts'
import { ping } from '../cluster/http.ts'
import { askCluster, readTables, type ClusterFacts, type ExistingTables } from '../preflight/cluster-facts.ts'
import type { ClusterAdmin } from '../cluster/cluster.ts'
import { QueryClient } from '../cluster/query.ts'
import { mappingOfSlice } from '../plan/mapping-of-slice.ts'
import type { PreflightFinding } from '../preflight/finding.ts'
import { preflight, type PreflightOptions } from '../preflight/preflight.ts'
import { reportOf } from '../preflight/report.ts'
import { countFindings, hasErrors } from '../preflight/show-preflight.ts'
import type { Slice } from '../plan/plan.ts'
import { targetsOf, type RunContext } from './context.ts'
import { queryAs, tokenRequestsOf, type TokenInHand } from './token.ts'

/** Phases that talk to the cluster. */
const ONLINE = ['create', 'token', 'write', 'verify'] as const

/**
 * @returns what was learnt of the cluster, where it is asked
 * @throws Failure `preflight/unresolved` (exit code 2), those of reaching the cluster
 */
export async function preflightOfRun(
  context: RunContext,
  openAdmin: () => Promise<ClusterAdmin | undefined>,
): Promise<ClusterFacts | undefined> {
  const { migration, state, slices, clock, signal, phases } = context
  const isOnline = ONLINE.some((phase) => phases.has(phase))
  const isLeft = slices.some(({ id }) => state.state.slices[id]?.status !== 'written')
  if (!isLeft) {
    if (isOnline) await ping(migration.target, signal)
    return undefined
  }
  const cluster = isOnline
    ? await askCluster({
        ...{ migration, clock, signal },
        tokens: tokenRequestsOf(context),
        targets: [...targetsOf(context)],
        admin: phases.has('create') ? await openAdmin() : undefined,
      })
    : undefined
  const findings = await lookAt(context, cluster, {
    replayedWals: context.reading?.replayedWals,
    // What is exported ahead is looked at then, before anything is written.
    isDeep: (slice) => migration.transfer === 'direct' && refusesValues(context, slice),
    onSlice: ({ slices, bytes }, all) => {
      const progress = { slices, slicesTotal: all.slices, rows: 0, done: bytes, total: all.bytes, bytes }
      context.observe({ type: 'progress', phase: 'validate', progress })
    },
  })
  expectResolved(context, findings)
  return cluster
}

/**
 * What could not be seen before the run had a token: columns of databases that were there. Before the first point is written.
 *
 * @throws Failure `preflight/unresolved` (exit code 2), those of reaching the cluster
 */
export async function preflightOfColumns(
  context: RunContext,
  cluster: ClusterFacts | undefined,
  readerOf: (database: string) => TokenInHand,
): Promise<void> {
  const seen = new Map<string, ExistingTables>()
  for (const database of cluster?.unseen ?? []) {
    const tables = await existingTables(context, database, readerOf)
    if (tables.size > 0) seen.set(database, tables)
  }
  if (cluster === undefined || seen.size === 0) return
  const tables = new Map([...cluster.tables, ...seen])
  const findings = await lookAt(context, { ...cluster, tables }, { isDeep: () => false })
  // Warnings were told of.
  expectResolved(
    context,
    findings.filter(({ severity }) => severity === 'error'),
  )
}

/** None where they cannot be read: no token may, or the server has no /query. */
async function existingTables(
  context: RunContext,
  database: string,
  readerOf: (database: string) => TokenInHand,
): Promise<ExistingTables> {
  let client: QueryClient | undefined
  try {
    const token = readerOf(database)
    client = new QueryClient(context.migration.target, { token: token.secret })
    const query = queryAs(token, client, database, context)
    return await readTables(async (q) => (await query.ask([q])).flat())
  } catch (error) {
    if (error instanceof Failure && UNREADABLE.has(error.code)) return new Map()
    throw error
  } finally {
    client?.close()
  }
}

const UNREADABLE = new Set(['token/may-not-read', 'query/none', 'query/unauthorized', 'query/failed'])

function lookAt(
  { migration, plan, state, slices, update, clock, signal }: RunContext,
  cluster: ClusterFacts | undefined,
  how: Pick<PreflightOptions, 'replayedWals' | 'isDeep' | 'onSlice'>,
): Promise<PreflightFinding[]> {
  return preflight({ migration, plan, slices, state: state.state, cluster, update, clock, signal, ...how })
}

function expectResolved({ migration, observe }: RunContext, findings: readonly PreflightFinding[]): void {
  const { environment } = migration
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
