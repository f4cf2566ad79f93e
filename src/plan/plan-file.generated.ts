// Made from schemas/plan.schema.json by scripts/generate.mjs. Change the schema, not this file.

export type Findings = {
  severity: 'error' | 'warning'
  /**
   * Stable: `preflight/field-types`.
   */
  code: string
  what: string
  /**
   * Target database, measurement and field or tag.
   */
  where: string
  /**
   * Stored points that it is about, overwritten ones too.
   */
  points?: number
  details: string[]
}[]
/**
 * Lines of YAML that resolve the errors, and where they belong.
 */
export type Suggestions = {
  place: string
  yaml: string
}[]
/**
 * What no YAML resolves.
 */
export type Advice = string[]

/**
 * A plan as `influx-ferry plan --out` writes it. `influx-ferry run --plan` does exactly this or refuses.
 */
export interface PlanFile {
  /**
   * Version of this file's format.
   */
  format: 1
  /**
   * SHA-256 (hex) over the canonical JSON of the other properties.
   */
  checksum: string
  /**
   * Name of the migration.
   */
  name: string
  /**
   * Hash over what the manifest asks for.
   */
  manifestHash: string
  /**
   * Target databases with what they end up with.
   */
  databases: {
    name: string
    /**
     * `30d`, or `infinite`.
     */
    retentionPeriod: string
    maxTables?: number
    maxColumns?: number
  }[]
  /**
   * What the cluster will not take, as printed by `plan --json`; not in the file.
   */
  preflight?: {
    findings: Findings
    suggestions: Suggestions
    advice: Advice
    notes: string[]
  }
  /**
   * Slices in the order they are moved.
   */
  slices: {
    id: string
    target: string
    /**
     * As of the plan.
     */
    status: 'pending' | 'exported' | 'sending' | 'written' | 'failed'
    /**
     * Hash over the source files (path, bytes, modification time).
     */
    fingerprint: string
    /**
     * Bytes of TSM and WAL files behind it.
     */
    bytes: number
  }[]
}
