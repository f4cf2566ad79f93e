/** influxctl query and influxctl write, for looking at small things. */
import { readFile } from 'node:fs/promises'
import { parseJson, toJson } from '../exact-json.ts'
import { InfluxctlError, formatOf, readFlags, type Flags } from './flags.ts'
import { call, type Session } from './session.ts'
import { boxed } from './table.ts'

interface Result {
  error?: string
  series?: { name: string; tags?: Record<string, string>; columns: string[]; values: unknown[][] }[]
}

/** InfluxQL only: the stand-in has no SQL. @throws InfluxctlError */
export async function query(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, {
    database: 'text',
    token: 'text',
    language: 'text',
    format: 'text',
    'time-format': 'text',
    'enable-system-tables': 'boolean',
    'perf-debug': 'boolean',
  })
  const format = formatOf(flags)
  if (flags.text('language') !== 'influxql')
    throw new InfluxctlError('the stand-in has no SQL: use --language influxql')
  const q = await contentOf(flags)
  const target = `/query?epoch=ns&db=${encodeURIComponent(databaseOf(session, flags))}&q=${encodeURIComponent(q)}`
  const { status, text } = await call(session, 'GET', target, tokenOf(session, flags))
  if (status !== 200) throw new InfluxctlError(`query failed: ${status} ${text}`)
  const { results } = parseJson(text) as { results: Result[] }
  const failed = results.find(({ error }) => error !== undefined)
  if (failed?.error !== undefined) throw new InfluxctlError(`query failed: ${failed.error}`)
  const rows = results.flatMap(({ series = [] }) =>
    series.flatMap(({ name, tags, columns, values }) =>
      values.map((row) => ({
        'iox::measurement': name,
        ...Object.fromEntries(columns.map((column, i) => [column, row[i]])),
        ...tags,
      })),
    ),
  )
  if (format === 'json') session.stdout(`${toJson(rows, 2)}\n`)
  else session.stdout(`${rowsTable(rows)}| TOTAL | ${rows.length} ROWS |\n`)
}

/** @throws InfluxctlError */
export async function write(session: Session, argv: string[]): Promise<void> {
  const flags = readFlags(argv, {
    'batch-size': 'text',
    database: 'text',
    precision: 'text',
    timeout: 'text',
    token: 'text',
  })
  const lines = (await contentOf(flags)).split('\n')
  const size = Number(flags.text('batch-size') ?? 10_000)
  const precision = flags.text('precision') ?? 'ns'
  const target = `/api/v2/write?bucket=${encodeURIComponent(databaseOf(session, flags))}&precision=${precision}`
  for (let from = 0; from < lines.length; from += size) {
    const batch = lines.slice(from, from + size).join('\n')
    const { status, text } = await call(session, 'POST', target, tokenOf(session, flags), batch)
    if (status !== 204) throw new InfluxctlError(`failed to write data: ${status} ${text}`)
  }
}

/** The argument itself, or the file it names. */
async function contentOf(flags: Flags): Promise<string> {
  const [argument] = flags.rest
  if (argument === undefined) throw new InfluxctlError('missing required argument')
  if (argument === '-') throw new InfluxctlError('the stand-in does not read standard input')
  return readFile(argument, 'utf8').catch(() => argument)
}

function databaseOf({ profile }: Session, flags: Flags): string {
  const name = flags.text('database') ?? profile.database
  if (name === undefined) throw new InfluxctlError('database is required: --database or the profile')
  return name
}

function tokenOf({ profile }: Session, flags: Flags): string {
  const token = flags.text('token') ?? profile.token
  if (token === undefined) throw new InfluxctlError('token is required: --token or the profile')
  return token
}

function rowsTable(rows: Record<string, unknown>[]): string {
  const header = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return boxed(
    header,
    rows.map((row) => header.map((name) => cellText(row[name]))),
  )
}

function cellText(value: unknown): string {
  return typeof value === 'string' ? value : value === null || value === undefined ? '' : toJson(value)
}
