/** What all mappings together make of one target database, beside what it has. */
import type { DatabaseInfo } from '../cluster/cluster.ts'
import type { Mapping } from '../manifest/migration.ts'
import type { PlannedDatabase } from '../plan/plan.ts'
import type { ExistingTable, ExistingTables } from './cluster-facts.ts'
import type { MappingRef } from './finding.ts'
import type { Survey, TableSurvey } from './survey.ts'
import { addSurvey, newSurvey } from './survey.ts'

export interface SurveyedMapping extends MappingRef {
  mapping: Mapping
  survey: Survey
}

export interface TargetDatabase {
  wish: PlannedDatabase
  /** What the cluster has by this name; `undefined`: nothing, or it is not known. */
  found: DatabaseInfo | undefined
  existing: ExistingTables
  mappings: SurveyedMapping[]
  /** By name. */
  tables: TargetTable[]
  /** `--update`: a database that exists gets the limits and the retention that are asked for. */
  update: boolean
}

export interface TargetTable {
  database: string
  name: string
  survey: TableSurvey
  existing: ExistingTable | undefined
  /** Those that have points for it. */
  mappings: SurveyedMapping[]
}

export function targetDatabase(parts: Omit<TargetDatabase, 'tables'>): TargetDatabase {
  const { mappings, existing, wish } = parts
  const whole = newSurvey()
  for (const { survey } of mappings) addSurvey(whole, survey)
  const tables = [...whole.tables].map(([name, survey]): TargetTable => {
    const own = mappings.filter((one) => one.survey.tables.has(name))
    return { database: wish.name, name, survey, existing: existing.get(name), mappings: own }
  })
  return { ...parts, tables: tables.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

/** The default limits of a database (influxctl's; the create phase passes that of columns). */
export const DEFAULT_MAX_COLUMNS = 250
export const DEFAULT_MAX_TABLES = 500
/** The most columns a table may be allowed to have. */
export const MOST_COLUMNS = 1000

/** A limit of the database as it will be when it is written to. */
export function limitOf(
  { wish, found, update }: Pick<TargetDatabase, 'wish' | 'found' | 'update'>,
  limit: 'maxTables' | 'maxColumns',
): number {
  const ours = wish[limit]
  const otherwise = limit === 'maxColumns' ? DEFAULT_MAX_COLUMNS : DEFAULT_MAX_TABLES
  return found === undefined || update ? (ours ?? found?.[limit] ?? otherwise) : (found[limit] ?? otherwise)
}

/** Points that the cluster does not take may go to the dead letter, if every mapping says so. */
export function severityFor(mappings: readonly SurveyedMapping[]): 'error' | 'warning' {
  return mappings.every(({ mapping }) => mapping.onInexpressible === 'dead-letter') ? 'warning' : 'error'
}
