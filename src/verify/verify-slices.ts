/** Slice by slice, source against cluster: several measurements at a time, each difference narrowed down as far as it can be. */
import { END_OF_TIME, formatRfc3339, intersect } from '../core/time.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import type { FieldFigures } from '../lines/figures.ts'
import type { Clock } from '../io/clock.ts'
import { Lanes } from '../cluster/lanes.ts'
import type { Slice } from '../plan/plan.ts'
import type { Expected } from './compare-figures.ts'
import {
  compareMeasurements,
  groupsOf,
  type ComparedMeasurement,
  type CompareOptions,
} from './compare-slice.ts'
import type { QueriedDatabase } from './queried-database.ts'
import { expectedFigures, sliceSource } from './slice-source.ts'
import { isSourceGone, type SourceReader } from './source-reader.ts'
import type { Difference, SliceVerification } from './verification.generated.ts'

export interface VerifyOptions {
  /** Written slices, those to compare. */
  slices: readonly Slice[]
  level: 'basic' | 'full'
  /** Slices under way at a time, and in all of them measurements, or groups of small ones. */
  concurrency: number
  /** Figures that were noted when the slice was exported; `undefined`: they are read. */
  noted: (slice: Slice) => Promise<FieldFigures[] | undefined>
  reader: SourceReader
  /** Dead letters of the slice, those that count. */
  letters: (slice: Slice) => AsyncIterable<DeadLetter>
  database: (name: string) => QueriedDatabase
  /** Measurements that slices of the target have, also those not compared now: others there are somebody else's. */
  known: (target: string) => Promise<ReadonlySet<string>>
  /** What is older is expired in the target database, or about to; `undefined`: nothing expires. */
  oldest: (target: string) => bigint | undefined
  clock: Clock
  signal: AbortSignal
  onSlice: (slice: Slice, result: SliceResult, seconds: number) => Promise<void>
}

export interface SliceResult {
  verification: SliceVerification
  differences: Difference[]
  leftOut: number
}

/** Differences named of one measurement of a slice, and in all; what is beyond is told as figures. */
const NAMED_PER_MEASUREMENT = 20
const NAMED_IN_ALL = 200

/** @throws Failure `query/...`, `cluster/...`, `lines/not-ours` of a dead letter; the signal's reason */
export async function verifySlices(options: VerifyOptions): Promise<void> {
  const { slices, concurrency, clock, signal } = options
  const several = () => new Lanes({ concurrency, limit: undefined, clock })
  const measurements = several()
  let named = 0
  const room = () => Math.min(NAMED_PER_MEASUREMENT, NAMED_IN_ALL - named)
  const tell = inOrder(options.onSlice)
  await several().each(
    slices.entries(),
    async ([index, slice]) => {
      const started = clock.now()
      const result = await verifySlice(slice, options, measurements, room)
      named += result.differences.length
      await tell(index, slice, result, (clock.now() - started) / 1000)
    },
    signal,
  )
}

/** Tells of slices in their order, whichever is done first. */
function inOrder(onSlice: VerifyOptions['onSlice']) {
  const waiting = new Map<number, Parameters<typeof onSlice>>()
  let next = 0
  let told = Promise.resolve()
  return (index: number, ...result: Parameters<typeof onSlice>): Promise<void> => {
    waiting.set(index, result)
    told = told.then(async () => {
      for (let ready = waiting.get(next); ready !== undefined; ready = waiting.get(next)) {
        waiting.delete(next)
        next += 1
        await onSlice(...ready)
      }
    })
    return told
  }
}

async function verifySlice(
  slice: Slice,
  options: VerifyOptions,
  lanes: Lanes,
  room: () => number,
): Promise<SliceResult> {
  const { target } = slice.mapping
  const oldest = options.oldest(target) ?? slice.window.start
  const window = intersect(slice.window, { start: oldest, end: END_OF_TIME })
  if (window === undefined)
    return notCompared(
      target,
      `what is older than ${formatRfc3339(oldest)} is expired in the cluster, or about to`,
    )
  const isCut = window.start > slice.window.start
  const from = { slice, reader: options.reader, letters: () => options.letters(slice) }
  let expected: Map<string, Expected[]>
  try {
    const noted = isCut ? undefined : await options.noted(slice)
    const given = noted ?? (await options.reader.figures(slice, window))
    expected = await expectedFigures(given, window, from, options.level)
  } catch (error) {
    if (!isSourceGone(error)) throw error
    return notCompared(target, `${isCut ? 'a part of it is expired, and ' : ''}${error.message}`)
  }
  const compared = await compareAll(
    expected,
    { slice, window, source: sliceSource(from) },
    options,
    lanes,
    room,
  )
  return summaryOf(
    target,
    compared,
    isCut ? `only from ${formatRfc3339(window.start)} on: what is older is expired, or about to` : undefined,
  )
}

async function compareAll(
  expected: Map<string, Expected[]>,
  what: Pick<CompareOptions, 'slice' | 'window' | 'source'>,
  { database: databaseOf, known: knownOf, level, signal }: VerifyOptions,
  lanes: Lanes,
  room: () => number,
): Promise<ComparedMeasurement[]> {
  const { target } = what.slice.mapping
  const database = databaseOf(target)
  // Also those that have no points here and should have none.
  const known = await knownOf(target)
  for (const measurement of (await database.columns()).keys())
    if (known.has(measurement) && !expected.has(measurement)) expected.set(measurement, [])
  const compared: ComparedMeasurement[][] = []
  await lanes.each(
    groupsOf(expected).entries(),
    async ([index, group]) => {
      compared[index] = await compareMeasurements(group, expected, { ...what, level, database, room: room() })
    },
    signal,
  )
  return compared.flat()
}

function notCompared(target: string, reason: string): SliceResult {
  return {
    verification: { target, outcome: 'not-compared', reason, measurements: {} },
    differences: [],
    leftOut: 0,
  }
}

function summaryOf(target: string, compared: ComparedMeasurement[], reason: string | undefined): SliceResult {
  const shown = compared.filter(({ verification: { fields, outcome } }) => fields > 0 || outcome !== 'equal')
  const outcomes = new Set(shown.map(({ verification }) => verification.outcome))
  const outcome = outcomes.has('differs')
    ? 'differs'
    : outcomes.has('not-compared')
      ? 'not-compared'
      : 'equal'
  return {
    verification: {
      ...{ target, outcome },
      ...(reason !== undefined && { reason }),
      measurements: Object.fromEntries(
        shown.map(({ measurement, verification }) => [measurement, verification]),
      ),
    },
    differences: compared.flatMap(({ differences }) => differences),
    leftOut: compared.reduce((sum, { leftOut }) => sum + leftOut, 0),
  }
}
