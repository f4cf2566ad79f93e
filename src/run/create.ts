/** The create phase: every target database is there, and is what the manifest asks for. */
import { ExitCode, Failure } from '../core/failure.ts'
import { formatRfc3339 } from '../core/time.ts'
import { countOf, formatDuration } from '../core/units.ts'
import type { ClusterAdmin, DatabaseInfo } from '../cluster/cluster.ts'
import type { PlannedDatabase } from '../plan/plan.ts'
import { targetsOf, type RunContext } from './context.ts'

/** While loading, nothing expires. */
const INFINITE = 0n
/** The documented default (influxctl); always passed, since the management API's own default differs (200). */
const DEFAULT_MAX_COLUMNS = 250

/** @returns what was created and what was there, in words. */
export async function createPhase(context: RunContext, admin: ClusterAdmin): Promise<string> {
  const existing = new Map(
    (await admin.listDatabases(context.signal)).map((database) => [database.name, database]),
  )
  let created = 0
  let there = 0
  for (const database of databasesOf(context)) {
    const found = existing.get(database.name)
    if (found === undefined) {
      await create(context, admin, database)
      created += 1
    } else {
      await meet(context, admin, database, found)
      there += 1
    }
    await context.state.save()
  }
  return [created > 0 && `${countOf(created, 'database')} created`, there > 0 && `${there} already there`]
    .filter(Boolean)
    .join(', ')
}

/** The retention asked for, set once every slice of the database is written. */
export async function setFinalRetention(context: RunContext, admin: ClusterAdmin): Promise<string[]> {
  const set: string[] = []
  for (const database of databasesOf(context)) {
    const state = context.state.state.databases[database.name]
    const unfinished = context.plan.slices.some(
      ({ id, mapping }) =>
        mapping.target === database.name && context.state.state.slices[id]?.status !== 'written',
    )
    if (state?.retention !== 'loading' || unfinished) continue
    await admin.updateDatabase(database.name, wishOf(database), context.signal)
    context.state.apply({ type: 'retention-set', database: database.name })
    await context.state.save()
    set.push(`${database.name}: ${formatDuration(database.retentionPeriod)}`)
  }
  return set
}

function databasesOf(context: RunContext): PlannedDatabase[] {
  const targets = targetsOf(context)
  return context.plan.databases.filter(({ name }) => targets.has(name))
}

async function create(context: RunContext, admin: ClusterAdmin, database: PlannedDatabase): Promise<void> {
  const { name, maxTables, partitionTemplate } = database
  const maxColumns = database.maxColumns ?? DEFAULT_MAX_COLUMNS
  // Put down first: a run that is killed between the two finds the database and knows it for its own.
  markReady(context, database, 'created')
  await context.state.save()
  await admin.createDatabase(
    { name, retentionPeriod: INFINITE, maxTables, maxColumns, partitionTemplate },
    context.signal,
  )
}

async function meet(
  context: RunContext,
  admin: ClusterAdmin,
  wish: PlannedDatabase,
  found: DatabaseInfo,
): Promise<void> {
  if (context.state.state.databases[wish.name]?.origin === 'created') return
  const differences = differencesOf(wish, found)
  if (differences.length > 0 && !context.update) {
    const tooShort =
      found.retentionPeriod !== INFINITE && (oldestTime(context, wish.name) ?? 0n) < expiry(context, found)
    const message = `database "${wish.name}" exists and differs from the manifest: ${differences.join('; ')}`
    if (tooShort) {
      throw new Failure('create/retention-too-short', `${message}. It would refuse the oldest points`, {
        where: `points from ${formatRfc3339(oldestTime(context, wish.name) ?? 0n)} on`,
        remedy:
          'Run with --update to change the database, or narrow the timeRange to what its retention keeps.',
      })
    }
    context.observe({ type: 'warning', message: `${message}. Left as it is; --update changes it.` })
  }
  if (differences.length === 0 || !context.update) {
    context.state.apply({
      type: 'database-ready',
      database: wish.name,
      origin: 'existed',
      retention: 'final',
    })
    return
  }
  await admin.updateDatabase(wish.name, { ...wishOf(wish), retentionPeriod: INFINITE }, context.signal)
  markReady(context, wish, 'existed')
}

function markReady(
  context: RunContext,
  { name, retentionPeriod }: PlannedDatabase,
  origin: 'created' | 'existed',
): void {
  const retention = retentionPeriod === INFINITE ? 'final' : 'loading'
  context.state.apply({ type: 'database-ready', database: name, origin, retention })
}

function wishOf({ retentionPeriod, maxTables, maxColumns }: PlannedDatabase) {
  return { retentionPeriod, maxTables, maxColumns }
}

/** What a found database has otherwise than asked for, in words. A limit that the manifest is silent about never differs. */
export function differencesOf(wish: PlannedDatabase, found: DatabaseInfo): string[] {
  const differences: string[] = []
  if (wish.retentionPeriod !== found.retentionPeriod) {
    differences.push(
      `retention is ${formatDuration(found.retentionPeriod)}, asked for ${formatDuration(wish.retentionPeriod)}`,
    )
  }
  for (const limit of ['maxTables', 'maxColumns'] as const) {
    if (wish[limit] !== undefined && found[limit] !== undefined && wish[limit] !== found[limit]) {
      differences.push(`${limit} is ${found[limit]}, asked for ${wish[limit]}`)
    }
  }
  return differences
}

function oldestTime(context: RunContext, database: string): bigint | undefined {
  return context.plan.slices
    .filter(({ mapping }) => mapping.target === database)
    .map(({ window }) => window.start)
    .reduce<bigint | undefined>(
      (oldest, start) => (oldest === undefined || start < oldest ? start : oldest),
      undefined,
    )
}

function expiry(context: RunContext, { retentionPeriod }: DatabaseInfo): bigint {
  return BigInt(context.clock.now()) * 1_000_000n - retentionPeriod
}

/** `admin.kind: none`: nobody is asked, and whatever is missing shows when it is written to. */
export function expectNoAdminNeeded(context: RunContext): void {
  if (context.migration.tokens.every(({ given }) => given === undefined)) {
    throw new Failure('token/none', 'admin.kind is "none", and the manifest gives no token', {
      where: context.migration.file,
      remedy:
        'Write "tokens: [{ env: INFLUX_TOKEN }]", or let influx-ferry create one (admin.kind: influxctl or api).',
      exit: ExitCode.manifest,
    })
  }
}
