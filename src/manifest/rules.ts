/** The third layer: what a schema cannot say. Each rule looks at the manifest after environment and variables. */
import { parseRfc3339 } from '../core/time.ts'
import { parseBytes } from '../core/units.ts'
import { error, type Finding, type Path } from './finding.ts'
import type { DataDirSource, Manifest, TimeRange } from './manifest.generated.ts'
import { mappingRules } from './rules-mapping.ts'
import { targetRules } from './rules-target.ts'
import { tokenRules } from './rules-token.ts'
import { transformRules } from './rules-transform.ts'
import { commandRules, notASize } from './rules-value.ts'
import { windowOf } from './time-range.ts'

/** Every error, warning and note about a manifest that fits the schema. `environments`: those that could be chosen. */
export function checkRules(manifest: Manifest, environments: string[]): Finding[] {
  return [
    ...nameRules(manifest),
    ...sourceRules(manifest),
    ...timeRangeRules(manifest.timeRange, ['timeRange']),
    ...targetRules(manifest, environments),
    ...manifest.mappings.flatMap(({ timeRange }, at) => [
      ...timeRangeRules(timeRange, ['mappings', at, 'timeRange']),
    ]),
    ...mappingRules(manifest),
    ...transformRules(manifest),
    ...tokenRules(manifest),
    ...spoolRules(manifest),
  ]
}

function* nameRules({ name }: Manifest): Generator<Finding> {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return
  yield error(
    'manifest/bad-name',
    ['name'],
    `"${name}" cannot be the name of a migration`,
    'letters, digits, ".", "_" and "-", a letter or digit first',
  )
}

function* sourceRules({ sources, mappings }: Manifest): Generator<Finding> {
  for (const [at, source] of sources.entries()) {
    if (sources.findIndex(({ name }) => name === source.name) < at)
      yield error(
        'source/duplicate-name',
        ['sources', at, 'name'],
        `another source is called "${source.name}" already`,
      )
    else if (!mappings.some((mapping) => mapping.source === source.name))
      yield {
        severity: 'warning',
        code: 'source/unused',
        message: `no mapping uses the source "${source.name}"`,
        path: ['sources', at, 'name'],
        hint: 'nothing of it is moved; add a mapping or remove the source',
      }
    if (source.kind === 'data-dir') yield* dataDirRules(source, ['sources', at])
  }
}

function* dataDirRules(source: DataDirSource, path: Path): Generator<Finding> {
  yield* commandRules(source.command, [...path, 'command'])
  if (source.command !== undefined && source.reader !== 'influx_inspect')
    yield error(
      'source/command-unused',
      [...path, 'command'],
      'influx-ferry reads the files itself: nothing is started',
      'add "reader: influx_inspect", or take this line out',
    )
  if (source.onCorruption === 'skip' && source.reader === 'influx_inspect')
    yield error(
      'source/skip-needs-tsm',
      [...path, 'onCorruption'],
      'influx_inspect does not tell what is damaged: there is nothing to list',
      'use "reader: tsm", or take this line out',
    )
  if (source.snapshotDir !== undefined && source.snapshot !== 'hardlink')
    yield error(
      'source/snapshot-dir-unused',
      [...path, 'snapshotDir'],
      'no snapshot is asked for',
      'add "snapshot: hardlink", or take this line out',
    )
}

function* timeRangeRules(range: TimeRange | undefined, path: Path): Generator<Finding> {
  const bad = (['start', 'end'] as const).filter(
    (side) => range?.[side] !== undefined && parseRfc3339(range[side]) === undefined,
  )
  for (const side of bad)
    yield error(
      'time-range/not-a-time',
      [...path, side],
      `"${range?.[side] ?? ''}" is not an RFC 3339 time`,
      'write date, time and zone: 2021-01-31T00:00:00Z',
    )
  const window = windowOf(range)
  if (range === undefined || window === undefined) return
  if (window.start === window.end)
    yield error(
      'time-range/empty',
      path,
      'the time range is empty: start and end are the same time',
      'end is not part of the range',
    )
  if (window.start > window.end)
    yield error(
      'time-range/reversed',
      path,
      'the time range ends before it starts',
      `write start: ${range.end ?? ''}, end: ${range.start ?? ''}`,
    )
}

function* spoolRules({ spool }: Manifest): Generator<Finding> {
  if (spool?.memory === undefined) return
  const bytes = parseBytes(String(spool.memory))
  if (bytes === undefined) yield notASize(['spool', 'memory'], spool.memory, '256MB')
  else if (bytes < 16e6)
    yield error(
      'spool/too-little-memory',
      ['spool', 'memory'],
      'sorting needs at least 16MB',
      'leave it out for 256MB',
    )
}
