/** Databases and tokens by way of the HTTP management API (`/api/v0`), in clusters since 20250508. */
import { Failure } from '../core/failure.ts'
import { resolveSecret } from '../io/secrets.ts'
import type { Admin, Target } from '../manifest/migration.ts'
import { alreadyExists, redact, unauthenticated, unreadable } from './admin-failure.ts'
import type { ClusterAdmin } from './cluster.ts'
import { bigintOf, formatExactJson, limitOf, parseExactJson, propertyOf, stringOf } from './exact-json.ts'
import { Connection, type Answer } from './http.ts'
import { DEFAULT_LIMITS } from './influxctl-arguments.ts'
import { connectionFailure } from './network-error.ts'

/** Milliseconds. */
const TIMEOUT = 60_000
/** Lists of a large cluster. */
const BODY_LIMIT = 64 * 1024 * 1024

type Call = (method: string, path: string, body: object | undefined, signal: AbortSignal) => Promise<unknown>

/** @throws Failure `secret/...`, `cluster/ca-unreadable` */
export async function openManagementApi(
  target: Target,
  admin: Extract<Admin, { kind: 'api' }>,
  signal: AbortSignal,
): Promise<ClusterAdmin> {
  const token = await resolveSecret(admin.token, signal)
  const connection = new Connection(target)
  const call: Call = async (method, path, body, signal) => {
    const where = `${method} ${target.url}/api/v0${path}`
    const answer = await connection
      .send({
        method,
        path: `/api/v0${path}`,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: formatExactJson(body) }),
        signal,
        timeout: TIMEOUT,
        bodyLimit: BODY_LIMIT,
      })
      .catch((error: unknown) => {
        signal.throwIfAborted()
        throw connectionFailure(error, target.url)
      })
    if (answer.status < 200 || answer.status >= 300) throw failureOf(answer, where, token)
    return readJson(answer.body, where)
  }
  return adminOver(call, () => connection.close())
}

function adminOver(call: Call, close: () => void): ClusterAdmin {
  return {
    async listDatabases(signal) {
      return listOf(await call('GET', '/databases', undefined, signal), '/databases').map((item) => ({
        name: stringOf(propertyOf(item, 'name')) ?? '',
        retentionPeriod: bigintOf(propertyOf(item, 'retentionPeriod')) ?? 0n,
        maxTables: limitOf(propertyOf(item, 'maxTables')),
        maxColumns: limitOf(propertyOf(item, 'maxColumnsPerTable')),
      }))
    },
    async createDatabase({ name, retentionPeriod, maxTables, maxColumns, partitionTemplate }, signal) {
      const body = {
        name,
        retentionPeriod,
        maxTables: maxTables ?? DEFAULT_LIMITS.maxTables,
        maxColumnsPerTable: maxColumns ?? DEFAULT_LIMITS.maxColumns,
        ...(partitionTemplate && { partitionTemplate }),
      }
      await call('POST', '/databases', body, signal)
    },
    async updateDatabase(name, { retentionPeriod, maxTables, maxColumns }, signal) {
      const body = {
        retentionPeriod,
        ...(maxTables !== undefined && { maxTables }),
        ...(maxColumns !== undefined && { maxColumnsPerTable: maxColumns }),
      }
      await call('PATCH', `/databases/${encodeURIComponent(name)}`, body, signal)
    },
    async listTokens(signal) {
      const tokens = listOf(await call('GET', '/tokens', undefined, signal), '/tokens')
      // A revoked token stays in the list.
      const valid = tokens.filter((item) => (propertyOf(item, 'revokedAt') ?? null) === null)
      return valid.map((item) => ({
        id: stringOf(propertyOf(item, 'id')) ?? '',
        description: stringOf(propertyOf(item, 'description')) ?? '',
      }))
    },
    async createToken({ description, read, write, expiresAt }, signal) {
      const permissions = [
        ...read.map((resource) => ({ action: 'read', resource })),
        ...write.map((resource) => ({ action: 'write', resource })),
      ]
      const body = { description, permissions, ...(expiresAt !== undefined && { expiresAt }) }
      const created = await call('POST', '/tokens', body, signal)
      const secret = stringOf(propertyOf(created, 'accessToken'))
      if (secret === undefined) throw unreadable('there is no accessToken in it', 'POST /api/v0/tokens')
      return { id: stringOf(propertyOf(created, 'id')), secret }
    },
    close() {
      close()
      return Promise.resolve()
    },
  }
}

function listOf(json: unknown, where: string): unknown[] {
  if (json === null) return []
  if (!Array.isArray(json)) throw unreadable('not a JSON list', `GET /api/v0${where}`)
  return json as unknown[]
}

function readJson(text: string, where: string): unknown {
  if (text.trim() === '') return null
  try {
    return parseExactJson(text)
  } catch {
    throw unreadable('not JSON', where)
  }
}

function failureOf({ status, body }: Answer, where: string, token: string): Failure {
  const message = redact(messageIn(body) ?? `HTTP ${status}`, [token])
  switch (status) {
    case 401:
    case 403:
      return unauthenticated(message, where)
    case 404:
      return new Failure('admin/unsupported', `the management API is not there: ${message}`, {
        where,
        remedy:
          'Clusters before 20250508-1719206 do not have it: write "admin: { kind: influxctl, ... }" in the manifest.\n' +
          'Otherwise check target.url, and that the ingress routes /api/v0.',
      })
    case 409:
      return alreadyExists(message, where)
    case 400:
      return new Failure('admin/refused', `the cluster refuses the request: ${message}`, {
        where,
        remedy: 'Correct name, limits or partition template in the manifest.',
      })
    default:
      return new Failure('admin/unavailable', `the management API answers HTTP ${status}: ${message}`, {
        where,
        remedy: 'Run again when the cluster has recovered: what is done is not done twice.',
      })
  }
}

function messageIn(body: string): string | undefined {
  try {
    return stringOf(propertyOf(parseExactJson(body), 'message'))
  } catch {
    return undefined
  }
}
