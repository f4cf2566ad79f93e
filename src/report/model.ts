/** The report as a value, from what lies on this machine: neither the source nor the cluster is asked. */
import type { Migration } from '../manifest/migration.ts'
import { formatWindow } from '../core/time.ts'
import { mappingOfSliceId, windowOfSliceId } from '../plan/slices.ts'
import { version } from '../core/version.ts'
import type { RunRecord, State } from '../state/state.generated.ts'
import { totalsOf } from '../state/totals.ts'
import type { Verification } from '../verify/verification.generated.ts'
import { comparisonOf, verifiedOf } from './comparison.ts'
import type {
  Asked,
  PhaseTime,
  Report,
  ReportedLetters,
  ReportedMapping,
  ReportedSlice,
} from './report.generated.ts'
import { partsOf } from './summary.ts'
import { verdictOf } from './verdict.ts'
import { windowAsText } from './windows.ts'

export interface ReportInput {
  /** As the user named it. */
  manifest: string
  state: State
  /** Slices that are known beside those of the state: of a run under way, the plan's. */
  planned?: readonly { id: string; mapping: { target: string } }[]
  verification: Verification | undefined
  letters: ReportedLetters
  /** What the manifest says now; `undefined`: it cannot be read. */
  migration: Migration | undefined
  /** Commands that do it again. */
  reproduce: string[]
  isUnderWay: boolean
  /** Milliseconds since the epoch. */
  now: number
}

export function makeReport(input: ReportInput): Report {
  const { state, verification, letters, isUnderWay } = input
  const mappings = mappingsOf(input)
  const totals = totalsOf(
    mappings.flatMap(({ slices }) => slices),
    state,
  )
  // Which slices are pending only the plan knows, and how many there were in all the last run.
  const known = Object.values(totals.slices).reduce((sum: number, count: number) => sum + count, 0)
  totals.slices.pending += Math.max(0, (state.runs.at(-1)?.slices ?? 0) - known)
  const comparison = verification && comparisonOf(verification, mappings, state)
  return {
    format: 1,
    madeAt: new Date(input.now).toISOString(),
    version,
    migration: {
      name: state.name,
      ...(state.environment !== undefined && { environment: state.environment }),
      manifest: input.manifest,
      manifestHash: state.manifestHash,
      ...(input.migration !== undefined && { asked: askedOf(input.migration) }),
      targets: Object.entries(state.databases).map(([database, { origin, retention }]) => ({
        ...{ database, origin, retention },
      })),
      notes: notesOf(input),
    },
    verdict: verdictOf({ state, totals, comparison, letters, isUnderWay }),
    totals,
    sums: partsOf(totals),
    mappings,
    phases: phasesOf(state.runs),
    runs: state.runs,
    ...(comparison !== undefined && { comparison }),
    deadLetters: letters,
    ...warningsOf(state.runs),
    reproduce: input.reproduce,
  }
}

/** In the order in which the state or the plan has them. */
function mappingsOf({ state, planned = [] }: ReportInput): ReportedMapping[] {
  const targets = new Map([
    ...planned.map(({ id, mapping }) => [id, mapping.target] as const),
    ...Object.entries(state.slices).map(([id, { target }]) => [id, target] as const),
  ])
  const groups = new Map<string, { mapping: string; target: string; ids: string[] }>()
  for (const [id, target] of targets) {
    const mapping = mappingOfSliceId(id)
    const key = JSON.stringify([mapping, target])
    const group = groups.get(key) ?? { mapping, target, ids: [] }
    group.ids.push(id)
    groups.set(key, group)
  }
  return [...groups.values()].map(({ mapping, target, ids }) => ({
    id: mapping,
    from: decodeURIComponent(mapping),
    target,
    totals: totalsOf(
      ids.map((id) => ({ id })),
      state,
    ),
    slices: ids.map((id) => sliceOf(id, state)),
  }))
}

function sliceOf(id: string, state: State): ReportedSlice {
  const slice = state.slices[id]
  const compared = verifiedOf(state, id)?.outcome
  return {
    id,
    window: windowAsText(windowOfSliceId(id)),
    status: slice?.status ?? 'pending',
    totals: totalsOf([{ id }], state),
    ...(compared !== undefined && { compared }),
    ...(slice?.status === 'failed' && {
      failure: {
        code: slice.code,
        message: slice.message,
        ...(slice.where !== undefined && { where: slice.where }),
        ...(slice.remedy !== undefined && { remedy: slice.remedy }),
      },
    }),
  }
}

function askedOf({ sources, target, timeRange, transfer, verify, mappings }: Migration): Asked {
  return {
    url: target.url,
    timeRange: formatWindow(timeRange),
    transfer,
    verify: verify.level,
    sources: sources.map((source) => ({
      name: source.name,
      kind: source.kind,
      files: source.kind === 'data-dir' ? [source.dataDir] : source.files,
    })),
    mappings: mappings.map(
      ({ source, database = '', retentionPolicy = '', target, timeRange, transforms }) => ({
        from: [source, database, retentionPolicy].filter((part) => part !== '').join('/'),
        to: target,
        timeRange: formatWindow(timeRange),
        transforms: transforms.length,
      }),
    ),
  }
}

function notesOf({ migration, state, verification }: ReportInput): string[] {
  return [
    ...(migration !== undefined && migration.hash !== state.manifestHash
      ? ['The manifest was changed since the last run: it asks for something else now.']
      : []),
    ...(verification !== undefined && verification.manifestHash !== state.manifestHash
      ? ['The manifest was changed between the comparison and the last run.']
      : []),
  ]
}

function phasesOf(runs: readonly RunRecord[]): PhaseTime[] {
  const times = new Map<string, PhaseTime>()
  for (const { phase, seconds = 0 } of runs.flatMap(({ phases = [] }) => phases)) {
    const time = times.get(phase) ?? { phase, seconds: 0, runs: 0 }
    times.set(phase, { phase, seconds: time.seconds + seconds, runs: time.runs + 1 })
  }
  return [...times.values()]
}

const WARNINGS = 100

/** Each once, the latest first. */
function warningsOf(runs: readonly RunRecord[]): Pick<Report, 'warnings' | 'warningsLeftOut'> {
  const all = [...new Set(runs.toReversed().flatMap(({ warnings = [] }) => warnings))]
  const more = runs.reduce((sum, { warningsLeftOut = 0 }) => sum + warningsLeftOut, 0)
  return { warnings: all.slice(0, WARNINGS), warningsLeftOut: more + Math.max(0, all.length - WARNINGS) }
}
