/** InfluxQL over `/query`: reading back what arrived, from the cluster or from a 1.x server. */
import { Failure, type FailureDetails } from '../core/failure.ts'
import { parseExactJson, propertyOf, stringOf } from './exact-json.ts'
import { Connection, type Address, type Answer } from './http.ts'
import { connectionFailure, kindOf } from './network-error.ts'
import { readRetryAfter } from './write-client.ts'

export interface Series {
  name: string
  tags: Record<string, string>
  columns: string[]
  /** Times are nanoseconds. An integer that a double cannot hold is a `bigint`, every other number a `number`. */
  values: unknown[][]
}

/** A database token, or a user of a 1.x server. */
export type Credentials = { token: string } | { user: string; password: string }

/** A server that has no time now: the same question may be asked again. */
export class Overloaded extends Failure {
  /** Milliseconds. */
  readonly retryAfter: number | undefined

  constructor(message: string, details: FailureDetails, retryAfter: number | undefined) {
    super('query/overloaded', message, details)
    this.retryAfter = retryAfter
  }
}

/** Milliseconds: the documented time limit of a batch query. */
const TIMEOUT = 300_000
const BODY_LIMIT = 256 * 1024 * 1024
/** Of what a message shows of a question. */
const SHOWN = 300

/** Keep-alive connections for questions, one request each, nothing retried. */
export class QueryClient {
  readonly #url: string
  readonly #connection: Connection
  readonly #credentials: Credentials | undefined

  constructor(address: Address, credentials: Credentials | undefined) {
    this.#url = address.url
    this.#connection = new Connection(address)
    this.#credentials = credentials
  }

  /**
   * Asks statements of one database, by its exact name, in one request. JSON, since CSV hides a failed statement.
   *
   * @returns the series of each statement
   * @throws Failure `query/failed` (of a statement too, which comes with HTTP 200), `query/too-large` (for the server,
   *   or for `bodyLimit` bytes: ask for less at once), `query/overloaded`, `query/unauthorized`, `query/none`, `cluster/...`
   */
  async ask(
    database: string,
    statements: readonly string[],
    signal: AbortSignal,
    bodyLimit = BODY_LIMIT,
  ): Promise<Series[][]> {
    const q = statements.join('; ')
    const shown = q.length > SHOWN ? `${q.slice(0, SHOWN)}...` : q
    const where = `${this.#url}/query, database ${database}: ${shown}`
    const answer = await this.#send(database, q, where, signal, bodyLimit)
    if (Buffer.byteLength(answer.body) >= bodyLimit)
      throw new Failure('query/too-large', 'the answer is too large', { where, remedy: ASK_FOR_LESS })
    return readResults(answer, where)
  }

  close(): void {
    this.#connection.close()
  }

  async #send(
    database: string,
    q: string,
    where: string,
    signal: AbortSignal,
    bodyLimit: number,
  ): Promise<Answer> {
    try {
      return await this.#connection.send({
        method: 'POST',
        path: `/query?${new URLSearchParams({ db: database, epoch: 'ns' }).toString()}`,
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          ...authorizationOf(this.#credentials),
        },
        body: new URLSearchParams({ q }).toString(),
        ...{ signal, timeout: TIMEOUT, bodyLimit },
      })
    } catch (error) {
      signal.throwIfAborted()
      const failure = connectionFailure(error, this.#url)
      if (kindOf(error) === 'timeout')
        throw new Failure('query/too-large', failure.message, { where, remedy: ASK_FOR_LESS, cause: error })
      // What breaks off in the middle of an answer may go well the next time; a certificate does not.
      if (kindOf(error) === 'reset') throw new Overloaded(failure.message, { where, cause: error }, undefined)
      throw failure
    }
  }
}

/** Asks one statement, with a connection of its own. */
export async function query(
  target: Address,
  token: string | undefined,
  database: string,
  q: string,
  signal: AbortSignal,
): Promise<Series[]> {
  const client = new QueryClient(target, token === undefined ? undefined : { token })
  try {
    return (await client.ask(database, [q], signal)).flat()
  } finally {
    client.close()
  }
}

const ASK_FOR_LESS = 'Ask for less time at once.'

function authorizationOf(credentials: Credentials | undefined): Record<string, string> {
  if (credentials === undefined) return {}
  if ('token' in credentials) return { authorization: `Bearer ${credentials.token}` }
  const { user, password } = credentials
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

/** What servers say when a question is too large for them, by its time, its partitions, its memory or its rows. */
const TOO_LARGE = /limit|exceed|too (many|large|much)|time(d )?-?out|exhausted|deadline|partial/i

function readResults({ status, body, headers }: Answer, where: string): Series[][] {
  const json = tryJson(body)
  const results = propertyOf(json, 'results')
  const statements: unknown[] = Array.isArray(results) ? results : []
  const errors = [json, ...statements].map((part) => propertyOf(part, 'error') ?? propertyOf(part, 'message'))
  const error = errors.map(stringOf).find((text) => text !== undefined) ?? unsupportedValue(body)
  const text = error ?? `HTTP ${status}`
  if (status === 401 || status === 403)
    throw new Failure('query/unauthorized', `the token may not read: ${text}`, {
      where,
      remedy: 'Give the token read permission on the database.',
    })
  if (status === 404 && error === undefined)
    throw new Failure('query/none', 'the server does not answer InfluxQL: it has no /query (HTTP 404)', {
      where,
    })
  if (status === 429 || status === 503)
    throw new Overloaded(
      `the server has no time for queries: ${text}`,
      { where },
      readRetryAfter(headers['retry-after']?.toString()),
    )
  const tooLarge = status === 408 || status === 413 || status === 502 || status === 504
  if (tooLarge || (error !== undefined && TOO_LARGE.test(error)))
    throw new Failure('query/too-large', `the query is too large: ${text}`, { where, remedy: ASK_FOR_LESS })
  if (status === 500) throw new Overloaded(`the query failed: ${text}`, { where }, undefined)
  if (status !== 200 || error !== undefined || !Array.isArray(results))
    throw new Failure('query/failed', `the query failed: ${text}`, { where })
  return statements.map((statement) => readSeries(statement, where))
}

function readSeries(statement: unknown, where: string): Series[] {
  const series = (propertyOf(statement, 'series') ?? []) as Partial<Series>[]
  if ([statement, ...series].some((part) => propertyOf(part, 'partial') === true))
    throw new Failure('query/too-large', 'the cluster answers only a part of the query', { where })
  return series.map(({ name = '', tags = {}, columns = [], values = [] }) => ({
    name,
    tags,
    columns,
    values,
  }))
}

/** 1.x answers an infinite sum with HTTP 200 and Go's message, and no JSON at all. */
function unsupportedValue(body: string): string | undefined {
  return /json: unsupported value: [+-]?\w+/.exec(body.slice(0, 1000))?.[0]
}

function tryJson(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}
