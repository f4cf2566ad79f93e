/** InfluxQL over HTTP with every number as the text the server sent: JSON.parse would round 64-bit integers. */

/** A number's digits, exactly as sent. */
export interface NumberText {
  number: string
}
export type Cell = NumberText | string | boolean | null

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
  const { results } = parseExactly(text) as { results: QueryResult[] }
  const error = results.find((result) => result.error !== undefined)?.error
  if (error !== undefined) throw new Error(`${q}: ${error}`)
  return results.flatMap((result) => result.series ?? [])
}

/** JSON with every number kept as {@link NumberText}. */
export function parseExactly(json: string): unknown {
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
  return JSON.parse(
    json.replace(tokens, (token) => (token.startsWith('"') ? token : `{"number":"${token}"}`)),
  )
}

/** A name as an InfluxQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
