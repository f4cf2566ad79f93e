/** Reading what influxctl prints. Documented shapes are read strictly, undocumented ones defensively. */
import type { DatabaseInfo, TokenInfo } from './cluster.ts'
import { unreadable } from './admin-failure.ts'
import { bigintOf, limitOf, parseExactJson, propertyOf, stringOf } from './exact-json.ts'

/** `influxctl database list --format json`. @throws Failure `admin/unreadable-answer` */
export function readDatabases(stdout: string): DatabaseInfo[] {
  return readList(stdout, 'influxctl database list').map((item) => {
    const name = stringOf(propertyOf(item, 'database_name'))
    if (name === undefined) throw unreadable('a database without database_name', 'influxctl database list')
    return {
      name,
      retentionPeriod: bigintOf(propertyOf(item, 'retention_period_ns')) ?? 0n,
      maxTables: limitOf(propertyOf(item, 'max_tables')),
      maxColumns: limitOf(propertyOf(item, 'max_columns_per_table')),
    }
  })
}

/** `influxctl token list --format json`. @throws Failure `admin/unreadable-answer` */
export function readTokens(stdout: string): TokenInfo[] {
  return readList(stdout, 'influxctl token list').map((item) => ({
    id: idOf(item) ?? '',
    description: stringOf(propertyOf(item, 'description')) ?? '',
  }))
}

/**
 * `influxctl token create`: JSON whose shape is not documented, from 2.11 a box with `id` followed by the token,
 * before that the token alone. `undefined` when no token is found; the text must not be shown then.
 */
export function readCreatedToken(stdout: string): { id: string | undefined; secret: string } | undefined {
  const json = tryJson(stdout)
  if (json !== undefined) {
    const item: unknown = Array.isArray(json) ? json[0] : json
    const secret = secretIn(item)
    return secret === undefined ? undefined : { id: idOf(item), secret }
  }
  const id = /^\W*\bid\b\W+([\w-]{8,})\W*$/im.exec(stdout)?.[1]
  const lines = stdout.split('\n').map((line) => line.trim())
  const secret =
    /apiv1_[\w.~+/=-]+/.exec(stdout)?.[0] ?? lines.findLast((line) => /^[\w.~+/=-]{16,}$/.test(line))
  return secret === undefined ? undefined : { id, secret }
}

const SECRET_NAMES = ['accessToken', 'access_token', 'token', 'token_string', 'secret', 'value']

function secretIn(item: unknown): string | undefined {
  if (typeof item === 'string') return item === '' ? undefined : item
  const marked = stringsIn(item).find((text) => text.startsWith('apiv1_'))
  if (marked !== undefined) return marked
  for (const name of SECRET_NAMES) {
    const value = propertyOf(item, name)
    const secret = typeof value === 'object' ? secretIn(value) : stringOf(value)
    if (secret !== undefined && secret !== '') return secret
  }
  return undefined
}

function stringsIn(item: unknown): string[] {
  if (typeof item === 'string') return [item]
  return typeof item === 'object' && item !== null ? Object.values(item).flatMap(stringsIn) : []
}

function idOf(item: unknown): string | undefined {
  const id =
    propertyOf(item, 'id') ?? propertyOf(item, 'token_id') ?? propertyOf(propertyOf(item, 'token'), 'id')
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}

/** Before influxctl 2.1.0 an empty list was `null`. */
function readList(stdout: string, where: string): unknown[] {
  const json = tryJson(stdout)
  if (json === null) return []
  if (!Array.isArray(json)) throw unreadable('not a JSON list', where)
  return json as unknown[]
}

function tryJson(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}
