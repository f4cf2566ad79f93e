/** Surveys of slices, each kept in the work folder until its files or the mapping's rules are others. */
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hashOf } from '../core/canonical-json.ts'
import { version } from '../core/version.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import type { Migration } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'
import { fingerprintOf } from '../plan/slices.ts'
import { compileTransforms } from '../lines/transform/series-transform.ts'
import type { ReplayedWals } from '../source/tsm/replayed-wals.ts'
import { readLineProtocolFiles } from '../source/line-protocol-files.ts'
import { mappingOfSlice } from '../plan/mapping-of-slice.ts'
import { scanStrings } from './scan-strings.ts'
import { addSurvey, readSurveyJson, surveyJson, type Survey } from './survey.ts'
import { SurveyBuilder, type Wanted } from './survey-builder.ts'
import { surveyLines } from './survey-lines.ts'
import { surveyTsm } from './survey-tsm.ts'

export interface SurveyContext {
  migration: Migration
  /** Of which slices the values that a cluster might not take are read too; those of line protocol files are in any case. */
  isDeep: (slice: Slice) => boolean
  /** Where replayed WALs are left for the export that follows. */
  replayedWals?: ReplayedWals | undefined
  signal: AbortSignal
}

const NOTHING_WANTED: ReadonlyMap<string, Wanted> = new Map()

/** @throws Failure `export/...` of the slice's files */
export async function surveySlice(context: SurveyContext, slice: Slice): Promise<Survey> {
  const survey = await kept(context, slice, 'index', () => read(context, slice, NOTHING_WANTED))
  if (!context.isDeep(slice) || !hasIndexes(context, slice)) return survey
  addSurvey(survey, await kept(context, slice, 'strings', () => readStrings(context, slice)))
  return survey
}

/** The same survey with points counted: of line protocol files it has them already. @throws Failure `export/...` */
export async function countedSlice(
  context: SurveyContext,
  slice: Slice,
  wanted: ReadonlyMap<string, Wanted>,
): Promise<Survey> {
  if (!hasIndexes(context, slice)) return surveySlice(context, slice)
  const what = [...wanted].map(([table, { all, tags, fields }]) => [table, all, [...tags], [...fields]])
  return kept(context, slice, `counts ${hashOf(what)}`, () => read(context, slice, wanted))
}

async function read(
  { migration, replayedWals, signal }: SurveyContext,
  slice: Slice,
  wanted: ReadonlyMap<string, Wanted>,
): Promise<Survey> {
  const { window, mapping } = slice
  const { transforms, partitionTemplate } = mappingOfSlice(migration, slice)
  const { memory } = migration.spool
  const source = sourceOf(migration, slice)
  const transform = compileTransforms(transforms)
  if (source.kind === 'line-protocol') {
    const builder = new SurveyBuilder({ window, transform, partitionTemplate, wanted: 'everything' })
    const { database, retentionPolicy } = mapping
    const chunks = readLineProtocolFiles(source, { database, retentionPolicy, files: slice.files }, signal)
    await surveyLines(chunks, { window, memory, signal }, builder)
    return builder.result()
  }
  const builder = new SurveyBuilder({ window, transform, partitionTemplate, wanted })
  const paths = slice.files.map(({ path }) => path)
  const onDamage = source.onCorruption === 'skip' ? () => undefined : undefined
  const temporaryFolder = runsFolder(migration)
  const options = { window, memory, temporaryFolder, replayedWals, onDamage, signal }
  await surveyTsm(paths, options, (series) => builder.add(series))
  return builder.result()
}

async function readStrings(
  { migration, replayedWals, signal }: SurveyContext,
  slice: Slice,
): Promise<Survey> {
  const source = sourceOf(migration, slice)
  const skips = source.kind === 'data-dir' && source.onCorruption === 'skip'
  return scanStrings({
    paths: slice.files.map(({ path }) => path),
    window: slice.window,
    memory: migration.spool.memory,
    temporaryFolder: runsFolder(migration),
    replayedWals,
    transform: compileTransforms(mappingOfSlice(migration, slice).transforms),
    onDamage: skips ? () => undefined : undefined,
    signal,
  })
}

function hasIndexes({ migration }: SurveyContext, slice: Slice): boolean {
  return sourceOf(migration, slice).kind === 'data-dir'
}

function sourceOf({ sources }: Migration, { mapping }: Slice) {
  const source = sources.find(({ name }) => name === mapping.source)
  if (source === undefined) throw new Error(`no source ${mapping.source}`)
  return source
}

/** For sorted runs of a WAL that is larger than memory. */
function runsFolder({ spool }: Migration): string {
  return join(spool.dir, 'survey')
}

/** Once made for these files and rules, not made again. Where nothing can be kept, it is. */
async function kept(
  { migration }: SurveyContext,
  slice: Slice,
  what: string,
  make: () => Promise<Survey>,
): Promise<Survey> {
  const { transforms, partitionTemplate } = mappingOfSlice(migration, slice)
  const key = hashOf([version, what, slice.window, fingerprintOf(slice), transforms, partitionTemplate])
  const [name = ''] = what.split(' ')
  const path = join(migration.spool.dir, 'survey', `${slice.id}.${name}.json`)
  const known = await readKept(path, key)
  if (known !== undefined) return known
  await mkdir(runsFolder(migration), { recursive: true }).catch(() => undefined)
  const survey = await make()
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFileAtomically(path, `${key}\n${surveyJson(survey)}\n`)
  } catch {
    // A run tells what is wrong with its work folder; a plan needs none.
  }
  return survey
}

async function readKept(path: string, key: string): Promise<Survey | undefined> {
  try {
    const [first, ...rest] = (await readFile(path, 'utf8')).split('\n')
    return first === key ? readSurveyJson(rest.join('\n')) : undefined
  } catch {
    return undefined
  }
}
