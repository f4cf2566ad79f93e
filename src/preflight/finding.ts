/** What the cluster will not take, and what would resolve it. */
import type * as written from '../manifest/manifest.generated.ts'
import type { PlannedMapping } from '../plan/plan.ts'

/** A mapping of the plan, and the manifest's mapping that it came from. */
export interface MappingRef {
  planned: PlannedMapping
  /** `mappings[index]` */
  index: number
}

export interface PreflightFinding {
  /** An error keeps a run from writing anything. */
  severity: 'error' | 'warning'
  /** Stable: `preflight/field-types`. */
  code: string
  /** In a few words: `field of several types`. */
  what: string
  /** `plant/autogen m.v`: target database, measurement and field or tag. */
  where: string
  /** Stored points that it is about, where that can be said. */
  points?: number | undefined
  /** More of it, a line each. */
  details: string[]
  remedies: Remedy[]
  /** Whose points are to be counted for it. */
  subject?: Subject
}

/** A tag or a field of a table, or all of it. */
export interface Subject {
  database: string
  measurement: string
  tag?: string
  field?: string
}

/** Rules and keys are put into the manifest's mapping; words are for what no YAML resolves. */
export type Remedy =
  | { kind: 'rule'; mapping: MappingRef; rule: Rule }
  | { kind: 'keys'; mapping: MappingRef; keys: MappingKeys }
  | { kind: 'manifest'; keys: Pick<written.Manifest, 'transfer'> }
  | { kind: 'words'; text: string }

export type Rule = written.Transform & { measurement: string }
export type MappingKeys = Pick<
  written.Mapping,
  'maxColumns' | 'maxTables' | 'onInexpressible' | 'retentionPeriod' | 'timeRange'
>
