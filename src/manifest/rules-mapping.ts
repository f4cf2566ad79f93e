/** Rules about mappings: each alone, then each against those before it. */
import { parseDuration } from '../core/units.ts'
import { intersect } from '../core/time.ts'
import { didYouMean } from './did-you-mean.ts'
import { error, type Finding, type Path } from './finding.ts'
import type { Manifest, Mapping, PartitionPart } from './manifest.generated.ts'
import { autogenNotes } from './rules-autogen.ts'
import { parseMaxRejected } from './max-rejected.ts'
import { mappingPairRules } from './rules-mapping-pair.ts'
import {
  checkTargetName,
  checkTemplateText,
  nearestTargetName,
  targetParts,
  unknownPlaceholders,
} from './target-name.ts'
import { windowOf } from './time-range.ts'

const HOUR = 3_600_000_000_000n
const MINUTE = HOUR / 60n

export function* mappingRules(manifest: Manifest): Generator<Finding> {
  for (const [at, mapping] of manifest.mappings.entries()) {
    const path: Path = ['mappings', at]
    yield* sourceRules(mapping, manifest, path)
    yield* targetNameRules(mapping, path)
    yield* windowRules(mapping, manifest, path)
    yield* retentionRules(mapping, [...path, 'retentionPeriod'])
    yield* partitionRules(mapping.partitionTemplate ?? [], [...path, 'partitionTemplate'])
    yield* maxRejectedRules(mapping, [...path, 'maxRejected'])
    yield* autogenNotes(mapping, path)
  }
  yield* mappingPairRules(manifest)
}

function* sourceRules(mapping: Mapping, { sources }: Manifest, path: Path): Generator<Finding> {
  const source = sources.find(({ name }) => name === mapping.source)
  if (source === undefined) {
    const names = sources.map(({ name }) => name)
    const meant = didYouMean(mapping.source, names)
    const hint = meant === undefined ? `sources: ${names.join(', ')}` : `did you mean "${meant}"?`
    yield error('mapping/unknown-source', [...path, 'source'], `there is no source "${mapping.source}"`, hint)
  }
  if (source?.kind === 'data-dir') {
    for (const key of ['database', 'retentionPolicy'] as const) {
      if (mapping[key] === undefined)
        yield error(
          'mapping/missing-name',
          path,
          `"mappings[${path[1]}]" needs the key "${key}"`,
          `name one, or write ${key}: "*" for all`,
        )
    }
  }
  if (mapping.retentionPolicy !== undefined && mapping.database === undefined && source?.kind !== 'data-dir')
    yield error(
      'mapping/missing-name',
      path,
      'a retention policy needs a database',
      'write database: "*" for any',
    )
}

function* targetNameRules(mapping: Mapping, path: Path): Generator<Finding> {
  const place = [...path, 'target']
  const unknown = unknownPlaceholders(mapping.target)
  for (const placeholder of unknown)
    yield {
      ...error(
        'mapping/unknown-placeholder',
        place,
        `${placeholder} is not known`,
        'there are {database} and {retentionPolicy}',
      ),
      within: placeholder,
    }
  if (unknown.length > 0) return
  for (const key of ['database', 'retentionPolicy'] as const) {
    if (mapping.target.includes(`{${key}}`) && mapping[key] === undefined)
      yield error(
        'mapping/unknown-placeholder',
        place,
        `{${key}} needs the key "${key}" in this mapping`,
        `write ${key}: "*"`,
      )
  }
  const parts = targetParts(mapping)
  const [name = ''] = parts
  const wrong = parts.length === 1 ? checkTargetName(name) : checkTemplateText(parts)
  if (wrong === undefined) return
  const nearest = parts.length === 1 ? nearestTargetName(name) : ''
  yield error(
    'mapping/target-name',
    place,
    `the target database "${parts.join('*')}" ${wrong}`,
    nearest === '' ? undefined : `Example: ${nearest}`,
  )
}

function* windowRules(mapping: Mapping, manifest: Manifest, path: Path): Generator<Finding> {
  const all = windowOf(manifest.timeRange)
  const own = windowOf(mapping.timeRange)
  if (mapping.timeRange === undefined || all === undefined || own === undefined) return
  if (own.start < own.end && all.start < all.end && intersect(all, own) === undefined)
    yield error(
      'time-range/outside',
      [...path, 'timeRange'],
      "this range is outside of the manifest's timeRange: nothing would be moved",
      "a mapping's range narrows that of the manifest",
    )
}

function* retentionRules({ retentionPeriod = 'source' }: Mapping, path: Path): Generator<Finding> {
  if (retentionPeriod === 'source') return
  const duration = parseDuration(retentionPeriod)
  if (duration === undefined)
    yield error(
      'mapping/retention',
      path,
      `"${retentionPeriod}" is not a retention period`,
      'write source, infinite or a duration: 30d, 12h, 1y',
    )
  else if (duration !== 0n && duration < HOUR)
    yield error(
      'mapping/retention',
      path,
      'a retention period is at least 1h',
      'write 1h or more, or infinite',
    )
  else if (duration % MINUTE !== 0n)
    yield error(
      'mapping/retention',
      path,
      'a retention period is made of whole minutes',
      'units: m h d w mo y',
    )
}

function* maxRejectedRules({ maxRejected }: Mapping, path: Path): Generator<Finding> {
  if (maxRejected === undefined || parseMaxRejected(maxRejected) !== undefined) return
  const message = `"${maxRejected}" is neither a number of points nor a part of them`
  yield error('mapping/max-rejected', path, message, 'write a whole number, or 0.1%')
}

/** The schema allows eight parts: with one of time, that leaves the seven of tags that InfluxData documents. */
function* partitionRules(parts: PartitionPart[], path: Path): Generator<Finding> {
  if (parts.length === 0) return
  const times = parts.flatMap(({ type }, at) => (type === 'time' ? [at] : []))
  if (times.length === 0)
    yield error(
      'mapping/partition-template',
      path,
      'a partition template needs a time part',
      'add { type: time, value: "%Y-%m" }',
    )
  for (const at of times.slice(1))
    yield error(
      'mapping/partition-template',
      [...path, at],
      'a partition template has one time part',
      'keep one',
    )
  const seen = new Set<string>()
  for (const [at, part] of parts.entries()) {
    if (part.type === 'time') continue
    const tag = part.type === 'tag' ? part.value : part.value.tagName
    if (tag === 'time')
      yield error(
        'mapping/partition-template',
        [...path, at],
        '"time" is not a tag',
        'use a part of type time',
      )
    else if (seen.has(tag))
      yield error(
        'mapping/partition-template',
        [...path, at],
        `the tag "${tag}" is there already`,
        'a tag is in one part only',
      )
    seen.add(tag)
  }
}
