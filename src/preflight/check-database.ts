/** One target database: its tables, their number, and the times of its points. */
import { formatRfc3339 } from '../core/time.ts'
import { countOf, formatCount, formatDuration } from '../core/units.ts'
import { checkTable, type ColumnLimit } from './check-table.ts'
import type { MappingKeys, PreflightFinding, Remedy } from './finding.ts'
import { FreeNames, shownName } from './names.ts'
import { ADVISED_PARTITIONS } from './partitions.ts'
import { limitOf, severityFor, type TargetDatabase } from './target-tables.ts'

const HOUR = 3_600_000_000_000n

/** @param now nanoseconds since the epoch */
export function checkDatabase(target: TargetDatabase, now: bigint): PreflightFinding[] {
  const { tables, existing } = target
  const names = new Set([...tables.map(({ name }) => name), ...existing.keys()])
  const free = new FreeNames(names)
  const checks = tables.map((table) =>
    checkTable(table, columnLimit(target, table.existing !== undefined), free),
  )
  const all = new Set([...existing.keys(), ...checks.flatMap(({ tables }) => tables)])
  return [
    ...checks.flatMap(({ findings }) => findings),
    ...tooManyTables(target, all.size),
    ...outsideRetention(target, now),
    ...tooManyPartitions(target),
    ...refused(target),
    ...merged(target),
  ]
}

function columnLimit(target: TargetDatabase, isThere: boolean): ColumnLimit {
  const columns = limitOf(target, 'maxColumns')
  if (isThere) return { columns, isRaised: 'not-any-more' }
  return { columns, isRaised: target.found === undefined || target.update ? 'by-manifest' : 'by-update' }
}

function* tooManyTables(target: TargetDatabase, tables: number): Generator<PreflightFinding> {
  const { wish, found, update } = target
  const limit = limitOf(target, 'maxTables')
  if (tables <= limit) return
  const remedies = keysOf(target, { maxTables: Math.ceil(tables / 100) * 100 })
  if (found !== undefined && !update) remedies.push(withUpdate(wish.name))
  yield {
    ...{ severity: severityFor(target.mappings), code: 'preflight/tables', where: wish.name, remedies },
    what: 'more tables than a database may have',
    details: [`${countOf(tables, 'table')}; the limit is ${formatCount(limit)}`],
  }
}

/** Points that the database refuses now, and points that it hides in the end. */
function* outsideRetention(target: TargetDatabase, now: bigint): Generator<PreflightFinding> {
  const { wish, found, update, tables } = target
  const times = tables.filter(({ survey }) => survey.first <= survey.last).map(({ survey }) => survey.first)
  if (times.length === 0) return
  const oldest = times.reduce((first, time) => (time < first ? time : first))
  const hides = (period: bigint) => period !== 0n && oldest < now - period
  const details = [`the oldest point is of ${formatRfc3339(oldest)}`]
  // What --update changes is infinite while points are loaded; what is equal is not changed.
  const isChanged = update && found?.retentionPeriod !== wish.retentionPeriod
  if (found !== undefined && !isChanged && hides(found.retentionPeriod)) {
    const end = now - found.retentionPeriod
    const start = formatRfc3339(end - (end % HOUR) + HOUR)
    const longer = found.retentionPeriod !== wish.retentionPeriod
    yield {
      ...{ severity: 'error', code: 'preflight/retention', where: wish.name },
      what: 'points older than the database keeps',
      details: [
        ...details,
        `"${wish.name}" exists, with a retention of ${formatDuration(found.retentionPeriod)}`,
      ],
      remedies: longer
        ? [
            {
              kind: 'words',
              text: `Run with --update: "${wish.name}" gets the retention that is asked for, after everything is loaded.`,
            },
          ]
        : target.mappings.map((mapping): Remedy => ({
            ...{ kind: 'keys', mapping },
            keys: { timeRange: { ...rangeEnd(mapping.mapping.timeRange.end), start } },
          })),
    }
  } else if (hides(wish.retentionPeriod)) {
    yield {
      ...{ severity: 'warning', code: 'preflight/retention-hides', where: wish.name, remedies: [] },
      what: 'points that the retention will hide',
      details: [
        ...details,
        `they are moved, and a retention of ${formatDuration(wish.retentionPeriod)} is set in the end`,
      ],
    }
  }
}

function rangeEnd(end: bigint): { end?: string } {
  return end >= 2n ** 63n ? {} : { end: formatRfc3339(end) }
}

function* tooManyPartitions({ wish, tables }: TargetDatabase): Generator<PreflightFinding> {
  for (const { name, survey } of tables) {
    if (survey.partitions <= ADVISED_PARTITIONS) continue
    yield {
      ...{ severity: 'warning', code: 'preflight/partitions', what: 'many partitions', remedies: [] },
      where: `${wish.name} ${shownName(name)}`,
      details: [
        `up to ${formatCount(survey.partitions)}; InfluxData advises fewer than ${formatCount(ADVISED_PARTITIONS)}: ` +
          'a partitionTemplate by month ("%Y-%m") has fewer, and cannot be changed later',
      ],
    }
  }
}

/** What no other name saves. */
function* refused({ wish, mappings }: TargetDatabase): Generator<PreflightFinding> {
  for (const mapping of mappings) {
    for (const { measurement, reason, points, examples } of mapping.survey.refused.values()) {
      const keys: MappingKeys = { onInexpressible: 'dead-letter' }
      yield {
        severity: severityFor([mapping]),
        code: reason.startsWith('not line protocol') ? 'preflight/line' : 'preflight/value',
        what: reason,
        where: `${wish.name}${measurement === '' ? '' : ` ${shownName(measurement)}`}`,
        points,
        details: examples.map((example) => `such as ${shownName(example)}`),
        remedies: [{ kind: 'keys', mapping, keys }],
      }
    }
  }
}

const EQUAL_TIMES =
  'of points with equal times, the one of the later series (in the order of the keys of the source) is kept, then of the later field'

function* merged({ wish, mappings }: TargetDatabase): Generator<PreflightFinding> {
  for (const { survey } of mappings) {
    for (const [measurement, { series, fields, example }] of survey.merged) {
      const common = {
        severity: 'warning' as const,
        where: `${wish.name} ${shownName(measurement)}`,
        remedies: [],
      }
      const details = [`such as ${shownName(example)}`, EQUAL_TIMES]
      if (series > 0)
        yield {
          ...{ ...common, code: 'preflight/series-merged', what: 'series that become one' },
          details: [`${formatCount(series)} with an earlier one of the same slice`, ...details],
        }
      if (fields > 0)
        yield {
          ...{ ...common, code: 'preflight/fields-merged', what: 'fields that become one' },
          details: [`${formatCount(fields)} in all series`, ...details],
        }
    }
  }
}

function keysOf({ mappings }: TargetDatabase, keys: MappingKeys): Remedy[] {
  return mappings.map((mapping): Remedy => ({ kind: 'keys', mapping, keys }))
}

function withUpdate(database: string): Remedy {
  return { kind: 'words', text: `Run with --update: it raises the limit of "${database}".` }
}
