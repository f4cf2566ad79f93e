/** The management API, /api/v0: databases, tables and tokens. */
import type { IncomingMessage } from 'node:http'
import { randomUUID } from 'node:crypto'
import { hashOf, newDatabaseToken } from './auth.ts'
import type { Cluster } from './cluster.ts'
import { HttpError } from './http-error.ts'
import { parseJson, toJson } from './exact-json.ts'
import {
  checkDatabaseName,
  checkLimit,
  checkPartitionTemplate,
  DEFAULT_MAX_COLUMNS,
  DEFAULT_MAX_TABLES,
} from './limits.ts'
import { readBody } from './body.ts'
import { newTable, type Database, type Grant, type Token } from './schema.ts'

export interface AdminAnswer {
  status: number
  /** JSON text, or nothing. */
  body: string
}

type Body = Record<string, unknown>
type Route = [
  method: string,
  pattern: RegExp,
  handle: (cluster: Cluster, body: Body, names: string[]) => Promise<unknown>,
]

const ROUTES: Route[] = [
  ['GET', /^\/databases$/, async ({ store }) => store.databases.filter(isLive).map(databaseJson)],
  ['POST', /^\/databases$/, createDatabase],
  ['PATCH', /^\/databases\/([^/]+)$/, updateDatabase],
  ['DELETE', /^\/databases\/([^/]+)$/, deleteDatabase],
  ['PUT', /^\/databases\/([^/]+)\/rename$/, renameDatabase],
  ['PUT', /^\/databases\/([^/]+)\/undelete$/, undeleteDatabase],
  ['POST', /^\/databases\/([^/]+)\/tables$/, createTable],
  ['DELETE', /^\/databases\/([^/]+)\/tables\/([^/]+)$/, deleteTable],
  ['GET', /^\/tokens$/, async ({ store }) => store.tokens.map(tokenJson)],
  ['POST', /^\/tokens$/, createToken],
  ['GET', /^\/tokens\/([^/]+)$/, async (cluster, _, [id]) => tokenJson(tokenOf(cluster, id))],
  ['PATCH', /^\/tokens\/([^/]+)$/, updateToken],
  ['DELETE', /^\/tokens\/([^/]+)$/, revokeToken],
]

/** `path` is what follows /api/v0. @throws HttpError */
export async function handleAdmin(
  cluster: Cluster,
  request: IncomingMessage,
  path: string,
): Promise<AdminAnswer> {
  const text = (await readBody(request, cluster.maxBodyBytes)).toString('utf8')
  const matching = ROUTES.filter(([, pattern]) => pattern.test(path))
  if (matching.length === 0) throw new HttpError(404, `path ${path} was not found`)
  const route = matching.find(([method]) => method === request.method)
  if (route === undefined) throw new HttpError(405, `method ${request.method} is not allowed`)
  const [method, pattern, handle] = route
  const names = (pattern.exec(path) ?? []).slice(1).map(decode)
  const body = method === 'GET' || method === 'DELETE' || text === '' ? {} : bodyOf(text)
  const answer = await cluster.store.exclusively(() => handle(cluster, body, names))
  return answer === undefined ? { status: 204, body: '' } : { status: 200, body: toJson(answer) }
}

async function createDatabase({ store }: Cluster, body: Body): Promise<unknown> {
  const { name } = body
  checkDatabaseName(name)
  if (store.find(name)) throw new HttpError(409, `A namespace with the name \`${name}\` already exists`)
  checkPartitionTemplate(body.partitionTemplate)
  const database: Database = {
    id: store.nextId(),
    name,
    retentionPeriod: periodOf(body.retentionPeriod) ?? 0n,
    maxTables: limitOf('maxTables', body.maxTables) ?? DEFAULT_MAX_TABLES,
    maxColumns: limitOf('maxColumnsPerTable', body.maxColumnsPerTable) ?? DEFAULT_MAX_COLUMNS,
    partitionTemplate: body.partitionTemplate ?? undefined,
    tables: new Map(),
    seriesByKey: new Map(),
    deletedAt: undefined,
  }
  await store.saveDatabase(database)
  return databaseJson(database)
}

async function updateDatabase(cluster: Cluster, body: Body, [name]: string[]): Promise<unknown> {
  const database = databaseOf(cluster, name)
  for (const key of ['name', 'partitionTemplate'])
    if (key in body) throw new HttpError(400, `${key} can't be changed`)
  const maxTables = limitOf('maxTables', body.maxTables)
  const maxColumns = limitOf('maxColumnsPerTable', body.maxColumnsPerTable)
  const retentionPeriod = periodOf(body.retentionPeriod)
  if (maxTables === undefined && maxColumns === undefined && retentionPeriod === undefined)
    throw new HttpError(400, 'at least one of maxTables, maxColumnsPerTable, retentionPeriod is needed')
  database.maxTables = maxTables ?? database.maxTables
  database.maxColumns = maxColumns ?? database.maxColumns
  database.retentionPeriod = retentionPeriod ?? database.retentionPeriod
  await cluster.store.saveDatabase(database)
  return databaseJson(database)
}

async function deleteDatabase(cluster: Cluster, _: Body, [name]: string[]): Promise<undefined> {
  const database = databaseOf(cluster, name)
  database.deletedAt = Date.now()
  await cluster.store.saveDatabase(database)
}

async function renameDatabase(cluster: Cluster, body: Body, [name]: string[]): Promise<unknown> {
  const database = databaseOf(cluster, name)
  checkDatabaseName(body.name)
  if (cluster.store.find(body.name))
    throw new HttpError(409, `A namespace with the name \`${body.name}\` already exists`)
  database.name = body.name
  await cluster.store.saveDatabase(database)
  return { id: database.id, ...databaseJson(database) }
}

/** By id, as documented; the influxctl stand-in knows only names, so the last one deleted under a name will do. */
async function undeleteDatabase({ store }: Cluster, _: Body, [id]: string[]): Promise<unknown> {
  const database = store.databases.findLast(
    (candidate) =>
      candidate.deletedAt !== undefined && (String(candidate.id) === id || candidate.name === id),
  )
  if (database === undefined) throw new HttpError(404, `deleted database ${id} not found`)
  if (store.find(database.name))
    throw new HttpError(409, `A namespace with the name \`${database.name}\` already exists`)
  database.deletedAt = undefined
  await store.saveDatabase(database)
  return { id: database.id, ...databaseJson(database) }
}

async function createTable(cluster: Cluster, body: Body, [db]: string[]): Promise<unknown> {
  const database = databaseOf(cluster, db)
  const { name, partitionTemplate } = body
  if (typeof name !== 'string' || name === '') throw new HttpError(400, 'name is required')
  checkPartitionTemplate(partitionTemplate)
  if (database.tables.has(name)) throw new HttpError(409, `A table with the name \`${name}\` already exists`)
  if (database.tables.size >= database.maxTables)
    throw new HttpError(400, `couldn't create new table; limit is ${database.maxTables}`)
  const table = newTable(cluster.store.nextId(), name, database.maxColumns)
  await cluster.store.saveTable(database, table)
  database.tables.set(name, table)
  return { databaseName: database.name, name, ...(partitionTemplate !== undefined && { partitionTemplate }) }
}

async function deleteTable(cluster: Cluster, _: Body, [db, name = '']: string[]): Promise<undefined> {
  const database = databaseOf(cluster, db)
  const table = database.tables.get(name)
  if (table === undefined) throw new HttpError(404, `table ${name} not found`)
  table.deletedAt = Date.now()
  await cluster.store.saveTable(database, table)
  database.tables.delete(name)
  for (const [key, series] of database.seriesByKey)
    if (series.table === table) database.seriesByKey.delete(key)
}

async function createToken({ store }: Cluster, body: Body): Promise<unknown> {
  const { description, expiresAt } = body
  if (typeof description !== 'string' || description === '')
    throw new HttpError(400, 'description is required')
  const secret = newDatabaseToken()
  const token: Token = {
    id: randomUUID(),
    description,
    permissions: grantsOf(body.permissions),
    hash: hashOf(secret),
    createdAt: Date.now(),
    expiresAt: expiresAt === undefined ? undefined : timeOf(expiresAt),
    revokedAt: undefined,
  }
  await store.saveToken(token)
  return { ...tokenJson(token), accessToken: secret }
}

async function updateToken(cluster: Cluster, body: Body, [id]: string[]): Promise<unknown> {
  const token = tokenOf(cluster, id)
  if (typeof body.description === 'string') token.description = body.description
  if (body.permissions !== undefined) token.permissions = grantsOf(body.permissions)
  await cluster.store.saveToken(token)
  return tokenJson(token)
}

async function revokeToken(cluster: Cluster, _: Body, [id]: string[]): Promise<undefined> {
  const token = tokenOf(cluster, id)
  token.revokedAt ??= Date.now()
  await cluster.store.saveToken(token)
}

const isLive = ({ deletedAt }: Database) => deletedAt === undefined

function databaseOf({ store }: Cluster, name = ''): Database {
  const database = store.find(name)
  if (database === undefined) throw new HttpError(404, `database ${name} not found`)
  return database
}

function tokenOf({ store }: Cluster, id = ''): Token {
  const token = store.tokens.find((candidate) => candidate.id === id)
  if (token === undefined) throw new HttpError(404, `token ${id} not found`)
  return token
}

function databaseJson({ name, maxTables, maxColumns, retentionPeriod, partitionTemplate }: Database) {
  const base = { name, maxTables, maxColumnsPerTable: maxColumns, retentionPeriod }
  return partitionTemplate === undefined ? base : { ...base, partitionTemplate }
}

function tokenJson({ id, description, permissions, createdAt, expiresAt, revokedAt }: Token) {
  const iso = (time: number) => new Date(time).toISOString()
  return {
    id,
    description,
    permissions,
    createdAt: iso(createdAt),
    ...(expiresAt !== undefined && { expiresAt: iso(expiresAt) }),
    ...(revokedAt !== undefined && { revokedAt: iso(revokedAt) }),
  }
}

function limitOf(name: 'maxTables' | 'maxColumnsPerTable', value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : checkLimit(name, Number(value))
}

function periodOf(value: unknown): bigint | undefined {
  if (value === undefined || value === null) return undefined
  const period = typeof value === 'bigint' ? value : Number.isInteger(value) ? BigInt(value as number) : -1n
  if (period < 0n || period >= 2n ** 63n)
    throw new HttpError(400, 'retentionPeriod must be nanoseconds, 0 or more')
  return period
}

function grantsOf(value: unknown): Grant[] {
  if (value === undefined) return []
  const grants = Array.isArray(value) ? (value as Partial<Grant>[]) : [{}]
  return grants.map(({ action, resource }) => {
    if ((action !== 'read' && action !== 'write') || typeof resource !== 'string' || resource === '')
      throw new HttpError(400, 'a permission is {"action": "read" or "write", "resource": a database or "*"}')
    return { action, resource }
  })
}

function timeOf(value: unknown): number {
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  if (Number.isNaN(time)) throw new HttpError(400, 'expiresAt must be an RFC 3339 time')
  return time
}

function bodyOf(text: string): Body {
  const body = parseJson(text)
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new HttpError(400, 'the body must be a JSON object')
  return body as Body
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw new HttpError(400, `${name} is not a well-encoded name`)
  }
}
