/** The state of a migration as a value, and the one function that moves it on. */
import { crc32 } from 'node:zlib'
import { reduceRunRecord, withAcknowledged, withLastRun, type RunRecordEvent } from './run-record.ts'
import type {
  BatchRange,
  Recipe,
  SliceCounts,
  SliceSent,
  SliceState,
  SliceVerified,
  State,
} from './state.generated.ts'

/** What became of one batch: `lines + refusedLines` are the lines it holds, likewise the points. */
export interface BatchOutcome {
  /** Stored, and answered 204. */
  lines: number
  points: number
  /** In the dead letter. */
  refusedLines: number
  refusedPoints: number
  /** Gzipped bytes of the batch as spooled; resent and repaired ones do not count again. */
  bytes: number
}

export type StateEvent =
  | {
      type: 'run-started'
      at: string
      version: string
      manifestHash: string
      environment: string | undefined
      /** Slices of the plan. */
      slices?: number
    }
  | RunRecordEvent
  | {
      type: 'run-ended'
      at: string
      outcome: 'done' | 'refused' | 'differs' | 'incomplete' | 'failed' | 'interrupted'
    }
  | {
      type: 'database-ready'
      database: string
      origin: 'created' | 'existed'
      retention: 'loading' | 'final'
    }
  | { type: 'retention-set'; database: string }
  | { type: 'token-created'; description: string; id: string | undefined; at: string; databases: string[] }
  | {
      type: 'slice-exported'
      slice: string
      target: string
      fingerprint: string
      /** Hash over the transforms; `undefined`: none. */
      transforms?: string | undefined
      counts: SliceCounts
    }
  | { type: 'slice-retargeted'; slice: string; target: string }
  /** Its batches are made and sent from the first one on (transfer: direct). */
  | { type: 'slice-sending'; slice: string; target: string; fingerprint: string; recipe: Recipe }
  /** `check`: of a slice that is being sent, {@link checkOf} its batch. `at`: for the rate, milliseconds since the epoch. */
  | {
      type: 'batch-acknowledged'
      slice: string
      batch: number
      outcome: BatchOutcome
      at?: number
      check?: number
    }
  /** `counts`: of a slice that was being sent. */
  | { type: 'slice-written'; slice: string; counts?: SliceCounts }
  /** A written slice is to be moved again, from the start. */
  | { type: 'slice-again'; slice: string }
  | { type: 'slice-verified'; slice: string; verified: SliceVerified }
  /** `file`: the hash of the mapping's dead letter file as it is now; `slices`: what their sums change by. */
  | { type: 'letters-retried'; mapping: string; file: string; changes: ({ slice: string } & SumChanges)[] }
  | {
      type: 'slice-failed'
      slice: string
      target: string
      code: string
      message: string
      where: string | undefined
      remedy: string | undefined
    }

/** What is added to the sums of a slice; what is taken away is negative. */
export interface SumChanges {
  counts: Omit<SliceCounts, 'pointsRead' | 'batches' | 'rawBytes' | 'gzipBytes'>
  sent: Pick<SliceSent, 'lines' | 'points' | 'refusedLines' | 'refusedPoints'>
}

/** Runs kept in the file. */
const RUNS_KEPT = 20

export function initialState(name: string, manifestHash: string): State {
  return { format: 1, name, manifestHash, runs: [], databases: {}, tokens: {}, slices: {} }
}

/** The state after an event. The state given is not changed. */
export function reduce(state: State, event: StateEvent): State {
  switch (event.type) {
    case 'run-started': {
      const { environment: _, ...rest } = state
      return {
        ...rest,
        ...(event.environment !== undefined && { environment: event.environment }),
        manifestHash: event.manifestHash,
        runs: [
          ...state.runs,
          {
            startedAt: event.at,
            version: event.version,
            ...(event.slices !== undefined && { slices: event.slices }),
          },
        ].slice(-RUNS_KEPT),
      }
    }
    case 'run-ended':
      return withLastRun(state, (run) => ({ ...run, endedAt: event.at, outcome: event.outcome }))
    case 'phase-started':
    case 'phase-ended':
    case 'warned':
      return withLastRun(state, (run) => reduceRunRecord(run, event))
    case 'database-ready': {
      const { database, origin, retention } = event
      return { ...state, databases: { ...state.databases, [database]: { origin, retention } } }
    }
    case 'retention-set': {
      const database = state.databases[event.database] ?? { origin: 'existed' as const }
      return {
        ...state,
        databases: { ...state.databases, [event.database]: { ...database, retention: 'final' } },
      }
    }
    case 'token-created':
      return { ...state, tokens: { ...state.tokens, [event.description]: createdToken(state, event) } }
    case 'slice-exported': {
      const { slice, target, fingerprint, transforms, counts } = event
      return withSlice(state, slice, {
        status: 'exported',
        ...{ target, fingerprint, ...under(transforms), counts, sent: NOTHING_SENT },
        ...settledBefore(state, slice),
      })
    }
    case 'slice-retargeted':
      return withSlice(state, event.slice, { ...expectExported(state, event.slice), target: event.target })
    case 'slice-sending': {
      const { slice, target, fingerprint, recipe } = event
      return withSlice(state, slice, {
        status: 'sending',
        ...{ target, fingerprint, recipe, sent: NOTHING_SENT, check: 0 },
        ...settledBefore(state, slice),
      })
    }
    case 'batch-acknowledged': {
      const slice = expectUnderWay(state, event.slice)
      const sent = addOutcome(slice.sent, event.batch, event.outcome)
      const counted = withLastRun(state, (run) => withAcknowledged(run, event.outcome, event.at))
      if (slice.status === 'exported') return withSlice(counted, event.slice, { ...slice, sent })
      const check = addCheck(slice.check, event.check ?? 0)
      return withSlice(counted, event.slice, { ...slice, sent, check })
    }
    case 'slice-written': {
      const { target, fingerprint, sent, ...slice } = expectUnderWay(state, event.slice)
      const counts = slice.status === 'exported' ? slice.counts : event.counts
      if (counts === undefined) throw new Error(`slice ${event.slice} is written, and not counted`)
      const { transforms } = slice.status === 'exported' ? slice : slice.recipe
      return withSlice(state, event.slice, {
        status: 'written',
        ...{ target, fingerprint, ...under(transforms), counts, sent },
      })
    }
    case 'letters-retried': {
      const { mapping, file, changes } = event
      const deadLetters = { ...state.deadLetters, [mapping]: file }
      return changes.reduce(withRetried, { ...state, deadLetters })
    }
    case 'slice-again': {
      const { target } = expectWritten(state, event.slice)
      const message = 'it is to be moved again'
      return withSlice(state, event.slice, {
        status: 'failed',
        target,
        code: 'rerun/asked',
        message,
        partlyWritten: true,
      })
    }
    case 'slice-verified': {
      const slice = expectWritten(state, event.slice)
      return withSlice(state, event.slice, { ...slice, verified: event.verified })
    }
    case 'slice-failed': {
      const { slice, target, code, message, where, remedy } = event
      return withSlice(state, slice, {
        status: 'failed',
        target,
        code,
        message,
        ...(where !== undefined && { where }),
        ...(remedy !== undefined && { remedy }),
        ...settledBefore(state, slice),
      })
    }
  }
}

const NOTHING_SENT: SliceSent = {
  batches: [],
  lines: 0,
  points: 0,
  refusedLines: 0,
  refusedPoints: 0,
  bytes: 0,
}

function withSlice(state: State, id: string, slice: SliceState): State {
  return { ...state, slices: { ...state.slices, [id]: slice } }
}

function expectExported(state: State, id: string) {
  const slice = state.slices[id]
  if (slice?.status !== 'exported')
    throw new Error(`slice ${id} is ${slice?.status ?? 'pending'}, not exported`)
  return slice
}

function expectWritten(state: State, id: string) {
  const slice = state.slices[id]
  if (slice?.status !== 'written')
    throw new Error(`slice ${id} is ${slice?.status ?? 'pending'}, not written`)
  return slice
}

function expectUnderWay(state: State, id: string) {
  const slice = state.slices[id]
  return slice?.status === 'sending' ? slice : expectExported(state, id)
}

function under(transforms: string | undefined): { transforms?: string } {
  return transforms === undefined ? {} : { transforms }
}

function settledBefore(state: State, id: string): { partlyWritten?: true } {
  return isSettled(state.slices[id]) ? { partlyWritten: true } : {}
}

/** Of a batch as a gzip member, whose last eight bytes hold the CRC-32 of what it holds, however it is compressed. */
export function checkOf(batch: number, member: Uint8Array): number {
  const own = Buffer.alloc(12)
  own.writeDoubleLE(batch)
  own.set(member.subarray(-8, -4), 8)
  return crc32(own)
}

/** Of several batches, in whatever order. */
export function addCheck(sum: number, check: number): number {
  return (sum ^ check) >>> 0
}

/** What sets apart two recipes, in words; empty when they make the same batches. */
export function differenceOf(before: Recipe, now: Recipe): string[] {
  return [
    before.files !== now.files && 'its source files changed',
    before.reader !== now.reader && 'it is read in another way',
    (before.batchLines !== now.batchLines || before.batchBytes !== now.batchBytes) &&
      'target.write.batch changed',
    before.memory !== now.memory && 'spool.memory changed',
    before.version !== now.version && 'it was another version of influx-ferry',
    before.transforms !== now.transforms && 'the transforms changed',
  ].filter((difference) => difference !== false)
}

function addOutcome(sent: SliceSent, batch: number, outcome: BatchOutcome): SliceSent {
  return {
    batches: addToRanges(sent.batches, batch),
    lines: sent.lines + outcome.lines,
    points: sent.points + outcome.points,
    refusedLines: sent.refusedLines + outcome.refusedLines,
    refusedPoints: sent.refusedPoints + outcome.refusedPoints,
    bytes: sent.bytes + outcome.bytes,
  }
}

/** What it was compared with before is not what is there now. */
function withRetried(state: State, { slice: id, counts, sent }: { slice: string } & SumChanges): State {
  const { verified: _, ...slice } = expectWritten(state, id)
  return withSlice(state, id, { ...slice, counts: plus(slice.counts, counts), sent: plus(slice.sent, sent) })
}

/** Sums that are not there yet are 0. */
function plus<T extends object>(sums: T, changes: Partial<Record<string, number>>): T {
  const changed = Object.entries(changes).map(([name, change]) => {
    const before: unknown = Object.getOwnPropertyDescriptor(sums, name)?.value
    return [name, (typeof before === 'number' ? before : 0) + (change ?? 0)]
  })
  return { ...sums, ...(Object.fromEntries(changed) as Partial<T>) }
}

/** The ranges with one more batch in them. Adding a batch twice is a defect: it would count twice. */
function addToRanges(ranges: readonly BatchRange[], batch: number): BatchRange[] {
  if (includes(ranges, batch)) throw new Error(`batch ${batch} was acknowledged twice`)
  const merged: BatchRange[] = []
  for (const range of [...ranges, { first: batch, last: batch }].sort((a, b) => a.first - b.first)) {
    const previous = merged.at(-1)
    if (previous?.last === range.first - 1)
      merged[merged.length - 1] = { first: previous.first, last: range.last }
    else merged.push(range)
  }
  return merged
}

function includes(ranges: readonly BatchRange[], batch: number): boolean {
  return ranges.some(({ first, last }) => first <= batch && batch <= last)
}

/** Batches of `total` that are not acknowledged yet, ascending. */
export function* pendingBatches(sent: SliceSent, total: number): Generator<number> {
  for (let batch = 0; batch < total; batch += 1) if (!includes(sent.batches, batch)) yield batch
}

/** Whether the cluster holds anything of a slice: from then on its target is settled. */
export function isSettled(slice: SliceState | undefined): boolean {
  if (slice === undefined) return false
  if (slice.status === 'written') return true
  if (slice.partlyWritten === true) return true
  return slice.status !== 'failed' && slice.sent.batches.length > 0
}

export function isAcknowledged(state: State, slice: string, batch: number): boolean {
  const found = state.slices[slice]
  return found !== undefined && found.status !== 'failed' && includes(found.sent.batches, batch)
}

function createdToken(
  state: State,
  event: Extract<StateEvent, { type: 'token-created' }>,
): State['tokens'][string] {
  const before = state.tokens[event.description]
  const replaced = [...(before?.replaced ?? []), ...(before?.id === undefined ? [] : [before.id])]
  return {
    ...(event.id !== undefined && { id: event.id }),
    createdAt: event.at,
    databases: event.databases,
    ...(replaced.length > 0 && { replaced }),
  }
}
