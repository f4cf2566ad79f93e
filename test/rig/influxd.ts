/** A real influxd 1.x for tests, with exact queries. */
import { influxql, type QuerySeries } from './influxql.ts'
import { startInfluxdServer, type InfluxdOptions, type InfluxdServer } from './influxd-server.mjs'

export type { InfluxdOptions } from './influxd-server.mjs'

export interface Influxd extends InfluxdServer {
  /** The series that one statement answers, times in nanoseconds, numbers as sent. */
  query(q: string, db?: string): Promise<QuerySeries[]>
}

/** Starts influxd in a temporary folder, on a free port. Throws when it is not installed. `remove()` ends it. */
export async function startInfluxd(options: InfluxdOptions = {}): Promise<Influxd> {
  const server = await startInfluxdServer(options)
  return Object.defineProperty(server as Influxd, 'query', {
    value: (q: string, db?: string) => influxql({ url: server.url }, q, db),
  })
}
