/** Writes lines to influxd and remembers what it must answer: for each point its last value. */
import type { Influxd } from './influxd.ts'
import { canonicalKey, canonicalValue, encodeLine, type Line } from './points.ts'

const LINES_A_REQUEST = 5000

/** One database and retention policy, and what was written to it. */
export class Ledger {
  readonly database: string
  readonly retentionPolicy: string
  private readonly influxd: Influxd
  private readonly values = new Map<string, string>()
  private readonly times = new Map<string, bigint>()

  constructor(influxd: Influxd, database: string, retentionPolicy: string) {
    this.influxd = influxd
    this.database = database
    this.retentionPolicy = retentionPolicy
  }

  async write(lines: readonly Line[]): Promise<void> {
    for (let i = 0; i < lines.length; i += LINES_A_REQUEST) {
      const some = lines.slice(i, i + LINES_A_REQUEST)
      await this.influxd.write(some.map(encodeLine), this.database, this.retentionPolicy)
    }
    for (const { measurement, tags, fields, time } of lines) {
      for (const [field, { type, value }] of Object.entries(fields)) {
        const key = canonicalKey(measurement, tags, field, time)
        this.values.set(key, canonicalValue(type, value))
        this.times.set(key, time)
      }
    }
  }

  /** `DELETE FROM measurement WHERE start <= time < end`. influxd does that in every policy of the database. */
  async delete(measurement: string, start: bigint, end: bigint): Promise<void> {
    const q = `DELETE FROM ${JSON.stringify(measurement)} WHERE time >= ${start} AND time < ${end}`
    await this.influxd.query(q, this.database)
    for (const [key, time] of this.times) {
      if (!key.startsWith(JSON.stringify(measurement)) || time < start || time >= end) continue
      this.values.delete(key)
      this.times.delete(key)
    }
  }

  /** What {@link readBack} must give. */
  expected(): string[] {
    return [...this.values].map(([key, value]) => `${key} = ${value}`).sort()
  }
}
