/** One request of the write API, v1 or v2. */
import { InfluxDB } from '@influxdata/influxdb-client'
import { getOrAdd } from '../core/get-or-add.ts'
import type { Target } from '../manifest/migration.ts'
import type { WriteClient } from './cluster.ts'
import { Connection, type Answer } from './http.ts'
import { describeNetworkError } from './network-error.ts'
import { ClusterTransport } from './cluster-transport.ts'

/**
 * Sends gzipped line protocol as it is, nanosecond precision, to a database by its exact name. Every HTTP answer is
 * a {@link WriteResponse}; no answer is one with status 0. Only an abort rejects, with the signal's reason.
 *
 * @throws Failure `cluster/ca-unreadable`
 */
export function openWriteClient(target: Target, token: string): WriteClient {
  const connection = new Connection(target)
  const transport = new ClusterTransport(connection, token, target.write.timeout)
  const influx = new InfluxDB({ url: target.url, transport })
  const paths = new Map<string, string>()
  const pathOf = (database: string) =>
    getOrAdd(paths, database, () =>
      target.write.api === 'v2' ? pathOfV2(influx, database) : pathOfV1(database),
    )
  return {
    async write(database, gzip, signal) {
      try {
        const answer = (await influx.transport.request(pathOf(database), gzip, {
          method: 'POST',
          headers: { 'content-type': 'text/plain; charset=utf-8', 'content-encoding': 'gzip' },
          signal,
        })) as Answer
        const retryAfter = readRetryAfter(answer.headers['retry-after']?.toString())
        return { status: answer.status, body: answer.body, retryAfter, error: undefined }
      } catch (error) {
        signal.throwIfAborted()
        return { status: 0, body: '', retryAfter: undefined, error: describeNetworkError(error) }
      }
    },
    close: () => connection.close(),
  }
}

/** Without `rp`: the cluster would lower its case and append it to the name (and drop `autogen`). */
function pathOfV1(database: string): string {
  return `/write?${new URLSearchParams({ db: database, precision: 'ns' }).toString()}`
}

/** The organization is ignored by a cluster, yet documented as required. Nothing is buffered here, so nothing to flush. */
function pathOfV2(influx: InfluxDB, database: string): string {
  return influx.getWriteApi('ignored', database, 'ns', { flushInterval: 0 }).path
}

/** Milliseconds of a Retry-After header: seconds, or an HTTP date. */
export function readRetryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
