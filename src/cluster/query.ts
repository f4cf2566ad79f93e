/** InfluxQL over `/query`: reading back what arrived. */
import { Failure } from '../core/failure.ts'
import { parseExactJson, propertyOf, stringOf } from './exact-json.ts'
import { Connection, type Address } from './http.ts'
import { connectionFailure } from './network-error.ts'

export interface Series {
  name: string
  tags: Record<string, string>
  columns: string[]
  /** Times are nanoseconds. An integer that a double cannot hold is a `bigint`, every other number a `number`. */
  values: unknown[][]
}

/** Milliseconds: the documented time limit of a batch query. */
const TIMEOUT = 300_000
const BODY_LIMIT = 256 * 1024 * 1024

/**
 * Asks one statement of one database, by its exact name. JSON, since CSV hides a failed statement.
 *
 * @throws Failure `query/failed` (of the statement too, which comes with HTTP 200), `query/too-large`,
 *   `query/unauthorized`, `cluster/...`
 */
export async function query(
  target: Address,
  token: string | undefined,
  database: string,
  q: string,
  signal: AbortSignal,
): Promise<Series[]> {
  const connection = new Connection(target)
  const where = `${target.url}/query, database ${database}: ${q}`
  try {
    const answer = await connection.send({
      method: 'POST',
      path: `/query?${new URLSearchParams({ db: database, epoch: 'ns' }).toString()}`,
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: new URLSearchParams({ q }).toString(),
      signal,
      timeout: TIMEOUT,
      bodyLimit: BODY_LIMIT,
    })
    if (Buffer.byteLength(answer.body) >= BODY_LIMIT)
      throw new Failure('query/too-large', 'the answer is too large', {
        where,
        remedy: 'Ask for less time at once.',
      })
    return readSeries(answer.status, answer.body, where)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof Failure ? error : connectionFailure(error, target.url)
  } finally {
    await connection.close()
  }
}

function readSeries(status: number, body: string, where: string): Series[] {
  const json = tryJson(body)
  const results = propertyOf(json, 'results')
  const statements: unknown[] = Array.isArray(results) ? results : []
  const errors = [json, ...statements].map((part) => propertyOf(part, 'error') ?? propertyOf(part, 'message'))
  const error = errors.map(stringOf).find((text) => text !== undefined)
  if (status === 401 || status === 403) {
    throw new Failure('query/unauthorized', `the token may not read: ${error ?? `HTTP ${status}`}`, {
      where,
      remedy: 'Give the token read permission on the database.',
    })
  }
  if (status !== 200 || error !== undefined || !Array.isArray(results))
    throw new Failure('query/failed', `the query failed: ${error ?? `HTTP ${status}`}`, { where })
  return statements.flatMap((statement) => {
    if (propertyOf(statement, 'partial') === true)
      throw new Failure('query/too-large', 'the cluster answers only a part of the query', { where })
    return ((propertyOf(statement, 'series') ?? []) as Partial<Series>[]).map(
      ({ name = '', tags = {}, columns = [], values = [] }) => ({ name, tags, columns, values }),
    )
  })
}

function tryJson(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}
