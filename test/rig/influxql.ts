/** InfluxQL over HTTP with every number as the text the server sent: JSON.parse would round 64-bit integers. */
import { parse, type LosslessNumber } from 'lossless-json'

/** A number is its digits, exactly as sent (`value`). */
export type Cell = LosslessNumber | string | boolean | null

export interface QuerySeries {
  name: string
  tags?: Record<string, string | null>
  columns: string[]
  values: Cell[][]
}

export interface Endpoint {
  /** `http://127.0.0.1:8086`, anything that answers v1 `/query`. */
  url: string
  token?: string
}

interface QueryResult {
  series?: QuerySeries[]
  error?: string
}

/** The series that one statement answers, times in nanoseconds. Throws on an HTTP status or a statement's error. */
export async function influxql(endpoint: Endpoint, q: string, db?: string): Promise<QuerySeries[]> {
  const parameters = new URLSearchParams({ q, epoch: 'ns', ...(db === undefined ? {} : { db }) })
  const response = await fetch(`${endpoint.url}/query`, {
    method: 'POST',
    body: parameters,
    headers: endpoint.token === undefined ? {} : { authorization: `Bearer ${endpoint.token}` },
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${q}: HTTP ${response.status} ${text.slice(0, 1000)}`)
  const { results } = parse(text) as { results: QueryResult[] }
  const error = results.find((result) => result.error !== undefined)?.error
  if (error !== undefined) throw new Error(`${q}: ${error}`)
  return results.flatMap((result) => result.series ?? [])
}

/** A name as an InfluxQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
