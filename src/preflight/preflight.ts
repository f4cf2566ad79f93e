/** Before the first byte is written: what the cluster will not take. Source and cluster are only read. */
import { isOfOneSlice } from '../core/failure.ts'
import { getOrAdd } from '../core/get-or-add.ts'
import type { Clock } from '../io/clock.ts'
import type { Plan, Slice } from '../plan/plan.ts'
import { showSlice } from '../plan/slices.ts'
import type { State } from '../state/state.generated.ts'
import { checkDatabase } from './check-database.ts'
import { checkClock, checkSpool, checkTokens } from './check-place.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import type { PreflightFinding, Subject } from './finding.ts'
import { mappingOfSlice } from '../plan/mapping-of-slice.ts'
import { addSurvey, newSurvey, type Survey } from './survey.ts'
import type { Wanted } from './survey-builder.ts'
import { countedSlice, surveySlice, type SurveyContext } from './survey-slices.ts'
import { targetDatabase, type SurveyedMapping, type TargetDatabase } from './target-tables.ts'

export interface PreflightOptions extends SurveyContext {
  plan: Plan
  slices: readonly Slice[]
  state: State | undefined
  /** `undefined`: the cluster is not asked, or cannot be reached. */
  cluster: ClusterFacts | undefined
  /** `--update` */
  update: boolean
  clock: Clock
  /** Before each slice: how many are looked at, and how many bytes of source files they have. */
  onSlice?: (done: { slices: number; bytes: number }, all: { slices: number; bytes: number }) => void
}

/** A mapping of the plan and the manifest, and its slices that are not written yet. */
interface SlicesOfMapping extends SurveyedMapping {
  slices: Slice[]
}

/** @returns errors first. @throws Failure of the source other than `export/...`, the signal's reason */
export async function preflight(options: PreflightOptions): Promise<PreflightFinding[]> {
  const { cluster, migration, clock, state } = options
  const left = options.slices.filter(
    ({ id, files }) => state?.slices[id]?.status !== 'written' && files.length > 0,
  )
  const { mappings, unread } = await survey(options, left)
  const now = BigInt(clock.now()) * 1_000_000n
  const check = () => databasesOf(options, mappings).flatMap((target) => checkDatabase(target, now))
  let findings = check()
  const wanted = wantedOf(findings)
  if (wanted.size > 0) {
    await count(options, mappings, wanted)
    findings = check()
  }
  const toSpool = left.filter(({ id }) => [undefined, 'failed'].includes(state?.slices[id]?.status))
  for await (const finding of checkSpool(migration, toSpool)) findings.push(finding)
  if (cluster !== undefined)
    findings.push(...checkClock(cluster, migration.target.url), ...checkTokens(cluster, migration))
  findings.push(...unread)
  return findings.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'))
}

async function survey(
  options: PreflightOptions,
  slices: readonly Slice[],
): Promise<{ mappings: SlicesOfMapping[]; unread: PreflightFinding[] }> {
  const mappings = new Map<string, SlicesOfMapping>()
  const unread: PreflightFinding[] = []
  const all = { slices: slices.length, bytes: slices.reduce((sum, slice) => sum + bytesOf(slice), 0) }
  const done = { slices: 0, bytes: 0 }
  for (const slice of slices) {
    options.signal.throwIfAborted()
    options.onSlice?.(done, all)
    done.slices += 1
    done.bytes += bytesOf(slice)
    const mapping = mappingOfSlice(options.migration, slice)
    const { index } = mapping
    const key = `${index} ${slice.mapping.id}`
    let own = mappings.get(key)
    if (own === undefined)
      mappings.set(key, (own = { planned: slice.mapping, index, mapping, survey: newSurvey(), slices: [] }))
    own.slices.push(slice)
    const found = await unlessUnread(slice, unread, () => surveySlice(options, slice))
    if (found !== undefined) addSurvey(own.survey, found)
  }
  return { mappings: [...mappings.values()], unread }
}

function bytesOf({ files }: Slice): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** A slice that cannot be read fails when it is exported, and the others are moved. */
async function unlessUnread(
  slice: Slice,
  unread: PreflightFinding[],
  read: () => Promise<Survey>,
): Promise<Survey | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!isOfOneSlice(error)) throw error
    unread.push({
      ...{ severity: 'warning', code: error.code, what: 'slice that could not be read', remedies: [] },
      where: slice.mapping.target,
      details: [
        showSlice(slice.id),
        `${error.message}${error.where === undefined ? '' : ` (${error.where})`}`,
      ],
    })
    return undefined
  }
}

function databasesOf(
  { plan, cluster, update, state }: PreflightOptions,
  mappings: readonly SurveyedMapping[],
): TargetDatabase[] {
  return plan.databases.flatMap((wish) => {
    const own = mappings.filter(({ planned }) => planned.target === wish.name)
    if (own.length === 0) return []
    // What an earlier run has created has its limits, and keeps everything while it is loaded.
    const isOurs = state?.databases[wish.name]?.origin === 'created'
    const found = isOurs ? undefined : cluster?.databases?.get(wish.name)
    const existing = cluster?.tables.get(wish.name) ?? new Map<string, never>()
    return [targetDatabase({ wish, found, existing, mappings: own, update })]
  })
}

/** By database, then by table: whose points are asked for. */
function wantedOf(findings: readonly PreflightFinding[]): Map<string, Map<string, Wanted>> {
  const wanted = new Map<string, Map<string, Wanted>>()
  for (const { subject } of findings) {
    if (subject === undefined) continue
    const tables = getOrAdd(wanted, subject.database, () => new Map<string, Wanted>())
    add(
      getOrAdd(tables, subject.measurement, () => ({ all: false, tags: new Set(), fields: new Set() })),
      subject,
    )
  }
  return wanted
}

function add(wanted: Wanted, { tag, field }: Subject): void {
  if (tag !== undefined) wanted.tags.add(tag)
  else if (field !== undefined) wanted.fields.add(field)
  else wanted.all = true
}

/** Reads the indexes of the slices concerned once more, now with the headers of the blocks in question. (Lines were counted.) */
async function count(
  options: PreflightOptions,
  mappings: readonly SlicesOfMapping[],
  wanted: ReadonlyMap<string, ReadonlyMap<string, Wanted>>,
): Promise<void> {
  for (const one of mappings) {
    const tables = wanted.get(one.planned.target)
    if (tables === undefined) continue
    const { merged, refused } = one.survey
    const counted = newSurvey()
    for (const slice of one.slices) {
      options.signal.throwIfAborted()
      const found = await unlessUnread(slice, [], () => countedSlice(options, slice, tables))
      if (found !== undefined) addSurvey(counted, found)
    }
    one.survey = { ...counted, merged, refused }
  }
}
