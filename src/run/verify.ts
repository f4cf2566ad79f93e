/** The verify phase, and what `influx-ferry verify` does: written slices held against their source, put down slice by slice. */
import { Failure } from '../core/failure.ts'
import { countOf } from '../core/units.ts'
import type { ClusterAdmin } from '../cluster/cluster.ts'
import { QueryClient } from '../cluster/query.ts'
import { readSliceFigures } from '../lines/figures-file.ts'
import type { FieldFigures } from '../lines/figures.ts'
import type { Slice } from '../plan/plan.ts'
import { QueriedDatabase } from '../verify/queried-database.ts'
import type { SourceReader } from '../verify/source-reader.ts'
import type { Verification } from '../verify/verification.generated.ts'
import { differenceInWords } from '../verify/verification-record.ts'
import { verifySlices, type SliceResult } from '../verify/verify-slices.ts'
import { stateOf, type RunContext } from './context.ts'
import { FilesReader } from './files-reader.ts'
import { lettersOf } from './slice-letters.ts'
import { queryAs, type TokenInHand } from './token.ts'
import { VerificationUnderWay } from './verification-under-way.ts'
import { VerifyProgress } from './verify-progress.ts'
import { figuresPath } from './work-folder.ts'

export interface VerificationOptions {
  slices: readonly Slice[]
  level: 'basic' | 'full'
  source: Verification['source']
  /** Of `source: http`. */
  server?: SourceReader
  admin: ClusterAdmin | undefined
  readerOf: (database: string) => TokenInHand
}

/** Written slices that were not compared yet, or less thoroughly than is asked for now. */
export function slicesToVerify(context: RunContext): Slice[] {
  const { level } = context.migration.verify
  if (level === 'none') return []
  return context.slices.filter((slice) => {
    const state = stateOf(context, slice)
    if (state?.status !== 'written') return false
    return (
      context.verifyAgain ||
      state.verified === undefined ||
      (level === 'full' && state.verified.level === 'basic')
    )
  })
}

export function slicesThatDiffer(context: RunContext): Slice[] {
  return context.slices.filter((slice) => {
    const state = stateOf(context, slice)
    return state?.status === 'written' && state.verified?.outcome === 'differs'
  })
}

/** @returns what was found, in words. */
export async function verifyPhase(
  context: RunContext,
  options: Pick<VerificationOptions, 'admin' | 'readerOf'>,
): Promise<string> {
  const { level } = context.migration.verify
  if (level === 'none') throw new Error('nothing is to be verified')
  const slices = slicesToVerify(context)
  const record = await verify(context, { ...options, slices, level, source: 'export' })
  return summaryOf(record, slices)
}

/** Compares slices and puts down what is found, in the record and in the state. @throws Failure as {@link verifySlices} does */
export async function verify(context: RunContext, options: VerificationOptions): Promise<Verification> {
  const { migration, clock, signal } = context
  const { slices, level, source, admin, readerOf, server } = options
  const record = await VerificationUnderWay.open(context, { level, source })
  const progress = new VerifyProgress(context, slices)
  const files = new FilesReader(context, slices, source === 'files')
  const reader = server ?? files
  const retention = await retentionsOf(context, admin)
  const clients = new Map<string, QueryClient>()
  const clientOf = (secret: string) => {
    const client = clients.get(secret) ?? new QueryClient(migration.target, { token: secret })
    clients.set(secret, client)
    return client
  }
  const database = once((name: string) => {
    const token = readerOf(name)
    return new QueriedDatabase(queryAs(token, clientOf(token.secret), name, context))
  })
  try {
    await verifySlices({
      ...{ slices, level, clock, signal, reader, database },
      concurrency: migration.verify.concurrency,
      noted: async (slice) =>
        source === 'export' ? readSliceFigures(figuresPath(migration, slice)) : undefined,
      letters: (slice) => lettersOf(context, slice),
      known: once((target: string) => measurementsOf(context, target)),
      oldest: (name) => {
        const period = retention.get(name) ?? 0n
        return period === 0n ? undefined : BigInt(clock.now()) * 1_000_000n - period + EXPIRING
      },
      onSlice: async (slice, result, seconds) => {
        await record.add(slice, result)
        context.observe(eventOf(slice, level, result, seconds))
        progress.finish(slice)
      },
    })
    return await record.finish()
  } catch (error) {
    await record.save()
    throw withWayOut(error)
  } finally {
    await files.close()
    for (const client of clients.values()) client.close()
  }
}

/** Nanoseconds: a clock is not exact, and what expires while it is compared would be missed. */
const EXPIRING = 600_000_000_000n

/** Nanoseconds by database, as the cluster has them; where it cannot be asked, as the manifest does. */
async function retentionsOf(
  { plan, signal }: RunContext,
  admin: ClusterAdmin | undefined,
): Promise<Map<string, bigint>> {
  const databases = admin === undefined ? plan.databases : await admin.listDatabases(signal)
  return new Map(databases.map(({ name, retentionPeriod }) => [name, retentionPeriod]))
}

/** Of all slices of the target, as far as their figures were noted. */
async function measurementsOf({ plan, migration }: RunContext, target: string): Promise<Set<string>> {
  const names = new Set<string>()
  for (const slice of plan.slices)
    if (slice.mapping.target === target)
      for (const { measurement } of await notedFigures(figuresPath(migration, slice))) names.add(measurement)
  return names
}

async function notedFigures(path: string): Promise<FieldFigures[]> {
  return (await readSliceFigures(path)) ?? []
}

function once<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>()
  return (name) => {
    const known = made.get(name) ?? make(name)
    made.set(name, known)
    return known
  }
}

function withWayOut(error: unknown): unknown {
  if (!(error instanceof Failure) || error.code !== 'query/none') return error
  return new Failure('verify/no-query', error.message, {
    ...(error.where !== undefined && { where: error.where }),
    remedy:
      'What was written cannot be read back there. To go without comparing, say "verify: { level: none }" in the manifest and run again.',
  })
}

const DIFFERENCES_TOLD = 5

function eventOf(
  slice: Slice,
  level: 'basic' | 'full',
  { verification: { outcome, reason, measurements }, differences }: SliceResult,
  seconds: number,
) {
  const all = Object.values(measurements)
  return {
    type: 'slice-verified' as const,
    slice: slice.id,
    ...{ level, outcome, seconds },
    ...(reason !== undefined && { reason }),
    fields: all.reduce((sum, { fields }) => sum + fields, 0),
    points: all.reduce((sum, { points }) => sum + points, 0),
    differences: differences.slice(0, DIFFERENCES_TOLD).map(differenceInWords),
  }
}

/** `12 slices equal, 1 slice differs`. */
function summaryOf(record: Verification, slices: readonly Slice[]): string {
  const outcomes = slices.map(({ id }) => record.slices[id]?.outcome)
  const count = (outcome: string) => outcomes.filter((one) => one === outcome).length
  const points = slices
    .flatMap(({ id }) => Object.values(record.slices[id]?.measurements ?? {}))
    .reduce((sum, one) => sum + one.points, 0)
  return [
    count('equal') > 0 && `${countOf(count('equal'), 'slice')} equal (${record.level})`,
    count('differs') > 0 && `${countOf(count('differs'), 'slice')} NOT EQUAL`,
    count('not-compared') > 0 && `${countOf(count('not-compared'), 'slice')} not compared`,
    countOf(points, 'point'),
  ]
    .filter(Boolean)
    .join(', ')
}
