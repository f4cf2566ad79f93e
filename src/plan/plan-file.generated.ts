// Made from schemas/plan.schema.json by scripts/generate.mjs. Change the schema, not this file.

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
