/** GET and POST /query: the v1 query API. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { authorize, tokenOf } from './auth.ts'
import { readBody } from './body.ts'
import type { Cluster } from './cluster.ts'
import { HttpError } from './http-error.ts'
import { QueryError, type Statement } from './influxql/ast.ts'
import type { QueryContext } from './influxql/context.ts'
import { timeFormat } from './influxql/json.ts'
import { parseQuery } from './influxql/parse.ts'
import { chunkedJson, resultsJson } from './influxql/results.ts'

const JSON_TYPES = /^(application\/json|application\/\*|\*\/\*)/

/** Answers by itself; @throws HttpError for errors of the request as a whole */
export async function handleQuery(
  cluster: Cluster,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const parameters = await parametersOf(cluster, request, url)
  const accept = request.headers.accept
  if (accept !== undefined && !accept.split(',').some((type) => JSON_TYPES.test(type.trim())))
    throw new HttpError(400, `the sandbox answers application/json only, not ${accept}`)
  const q = parameters.get('q')
  if (!q) throw new HttpError(400, 'missing required parameter "q"')
  const formatTime = timeFormat(parameters.get('epoch'))
  if (formatTime === undefined) throw new HttpError(400, `invalid epoch: ${parameters.get('epoch')}`)
  const database = parameters.get('db') || undefined
  const now = BigInt(Date.now()) * 1_000_000n
  const find = finder(cluster, tokenOf(request, parameters.get('p')))
  let statements: Statement[]
  try {
    statements = parseQuery(q, bindings(parameters.get('params')), now)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    if (!error.message.startsWith('not supported')) throw new HttpError(400, error.message)
    await send(response, [`{"results":[{"statement_id":0,"error":${JSON.stringify(error.message)}}]}\n`])
    return
  }
  if (database !== undefined) checkAccess(find, database)
  const connection = await cluster.store.connect()
  try {
    const exclusively: QueryContext['exclusively'] = (work) => cluster.store.exclusively(work)
    const { queryLimit: pointLimit } = cluster.faults
    const context: QueryContext = { connection, exclusively, database, find, now, formatTime, pointLimit }
    const chunked = parameters.get('chunked') === 'true'
    const size = Number(parameters.get('chunk_size') ?? 0) || 10_000
    await send(response, chunked ? chunkedJson(statements, context, size) : resultsJson(statements, context))
  } finally {
    connection.closeSync()
  }
}

/** A missing database is a statement's error, a missing grant the request's. */
function finder(cluster: Cluster, secret: string | undefined): QueryContext['find'] {
  return (name) => {
    if (name === undefined) throw new QueryError('database name required')
    const { tokens } = cluster.store
    authorize(tokens, secret, 'read', name, { now: Date.now(), delay: cluster.faults.tokenDelay })
    const database = cluster.store.find(name)
    if (database === undefined) throw new QueryError(`Database ${name} not found`)
    return database
  }
}

function checkAccess(find: QueryContext['find'], database: string): void {
  try {
    find(database)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
  }
}

async function parametersOf(cluster: Cluster, request: IncomingMessage, url: URL): Promise<URLSearchParams> {
  const parameters = new URLSearchParams(url.searchParams)
  if (request.method !== 'POST') return parameters
  const type = request.headers['content-type'] ?? ''
  const body = (await readBody(request, cluster.maxBodyBytes)).toString('utf8')
  if (type.startsWith('application/vnd.influxql')) parameters.set('q', body)
  else if (type.startsWith('multipart/')) throw new HttpError(400, 'the sandbox reads no multipart forms')
  else for (const [name, value] of new URLSearchParams(body)) parameters.set(name, value)
  return parameters
}

function bindings(text: string | null): Record<string, unknown> {
  if (!text) return {}
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    throw new HttpError(400, 'error parsing query parameters: invalid JSON')
  }
}

async function send(
  response: ServerResponse,
  pieces: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const closed = new Promise((resolve) => response.once('close', resolve))
  for await (const piece of pieces) {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' })
    if (response.destroyed) return
    if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed])
  }
  response.end()
}
