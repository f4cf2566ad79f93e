/** Line protocol through the survey and the checks of one target database, with whatever the cluster has. */
import type { DatabaseInfo } from '../../src/cluster/cluster.ts'
import { ALL_TIME, type TimeWindow } from '../../src/core/time.ts'
import { compileTransforms } from '../../src/lines/transform/series-transform.ts'
import type { FieldType, Mapping } from '../../src/manifest/migration.ts'
import { normalizeTransform } from '../../src/manifest/normalize-transform.ts'
import type { PlannedDatabase } from '../../src/plan/plan.ts'
import { checkDatabase } from '../../src/preflight/check-database.ts'
import type { ExistingTables } from '../../src/preflight/cluster-facts.ts'
import type { PreflightFinding } from '../../src/preflight/finding.ts'
import { suggestionOf, type MappingSuggestion } from '../../src/preflight/suggestion.ts'
import { addSurvey, newSurvey, type Survey } from '../../src/preflight/survey.ts'
import { SurveyBuilder } from '../../src/preflight/survey-builder.ts'
import { surveyLines } from '../../src/preflight/survey-lines.ts'
import { targetDatabase } from '../../src/preflight/target-tables.ts'

export interface Wish {
  mapping?: Partial<Mapping>
  wish?: Partial<PlannedDatabase>
  found?: Partial<DatabaseInfo>
  /** By table: `{ m: { tags: ['t'], fields: { v: 'float' } } }`. */
  existing?: Record<string, { tags?: string[]; fields?: Record<string, FieldType> }>
  update?: boolean
  /** Nanoseconds. */
  now?: bigint
}

const { signal } = new AbortController()

export async function surveyOfLines(
  lines: readonly string[],
  mapping: Partial<Mapping> = {},
  window: TimeWindow = ALL_TIME,
): Promise<Survey> {
  const builder = new SurveyBuilder({
    window,
    transform: compileTransforms(mapping.transforms ?? []),
    partitionTemplate: mapping.partitionTemplate,
    wanted: 'everything',
  })
  async function* chunks() {
    yield Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
  }
  await surveyLines(chunks(), { window, memory: 1e6, signal }, builder)
  return builder.result()
}

/** What is found for `lines`: each text one line, as latin1. */
export async function checked(lines: readonly string[], given: Wish = {}): Promise<PreflightFinding[]> {
  const survey = newSurvey()
  addSurvey(survey, await surveyOfLines(lines, given.mapping))
  return checkedSurvey(survey, given)
}

export function checkedSurvey(survey: Survey, given: Wish = {}): PreflightFinding[] {
  const wish: PlannedDatabase = {
    ...{ name: 'db', retentionPeriod: 0n, maxTables: undefined, maxColumns: undefined },
    ...{ partitionTemplate: undefined, ...given.wish },
  }
  const found = given.found && {
    name: 'db',
    retentionPeriod: 0n,
    maxTables: 500,
    maxColumns: 250,
    ...given.found,
  }
  const existing: ExistingTables = new Map(
    Object.entries(given.existing ?? {}).map(([name, { tags = [], fields = {} }]) => [
      name,
      { tags: new Set(tags), fields: new Map(Object.entries(fields)) },
    ]),
  )
  const planned = { id: 's/d/r', source: 's', database: 'd', retentionPolicy: 'r', target: 'db' }
  const mapping = {
    onInexpressible: 'fail',
    timeRange: ALL_TIME,
    transforms: [],
    ...given.mapping,
  } as Mapping
  const mappings = [{ planned, index: 0, mapping, survey }]
  const update = given.update ?? false
  return checkDatabase(targetDatabase({ wish, found, existing, mappings, update }), given.now ?? 0n)
}

/** The findings as a person would note them: `error preflight/name db m.f (2): {"measurement":"m",...}`. */
export function noted(findings: readonly PreflightFinding[]): string[] {
  return findings.map(({ severity, code, where, points, remedies }) => {
    const shown = remedies.map((remedy) =>
      remedy.kind === 'rule'
        ? JSON.stringify(remedy.rule)
        : remedy.kind === 'words'
          ? remedy.text
          : JSON.stringify(remedy.keys),
    )
    return `${severity} ${code} ${where}${points === undefined ? '' : ` (${points})`}: ${shown.join(' and ')}`
  })
}

/** What was given, with all that is suggested for it. */
export function resolved(given: Wish, findings: readonly PreflightFinding[]): Wish {
  const none: Pick<MappingSuggestion, 'transforms' | 'keys'> = { transforms: [], keys: {} }
  const [{ transforms, keys } = none] = suggestionOf(findings).mappings
  const { onInexpressible, maxColumns, maxTables } = keys
  const rules = [...(given.mapping?.transforms ?? []), ...transforms.map(normalizeTransform)]
  return {
    ...given,
    mapping: { ...given.mapping, transforms: rules, ...(onInexpressible && { onInexpressible }) },
    wish: { ...given.wish, ...(maxColumns && { maxColumns }), ...(maxTables && { maxTables }) },
  }
}
