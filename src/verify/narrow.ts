/** From figures that differ to the very points: windows are halved until few points are left, which are then held side by side. */
import { formatRfc3339, type TimeWindow } from '../core/time.ts'
import { differencesOf, figuresInWords, type Expected, type Found } from './compare-figures.ts'
import type { Point } from './source-reader.ts'
import type { Difference } from './verification.generated.ts'

/** The two sides of the measurement that differs. */
export interface Sides {
  /** Figures of the fields that differ; what a side has nothing of is missing there. */
  source(window: TimeWindow): Promise<Map<string, Expected>>
  cluster(window: TimeWindow): Promise<Map<string, Found>>
  sourcePoints(window: TimeWindow): Promise<Map<string, Point>>
  clusterPoints(window: TimeWindow): Promise<Map<string, Point>>
}

export interface Narrowed {
  differences: Difference[]
  /** Points that differ and are not in the list, as far as they were counted. */
  leftOut: number
}

/** Points of both sides that are held side by side. */
const FEW = 20_000

/**
 * @param about what all differences have in common
 * @param room how many may be named; what is left then is one difference of figures, with its window
 */
export async function narrow(
  sides: Sides,
  window: TimeWindow,
  about: Pick<Difference, 'slice' | 'target' | 'measurement'>,
  room: number,
): Promise<Narrowed> {
  const found: Narrowed = { differences: [], leftOut: 0 }
  // Earliest first; a stack, so that the first points are found before all windows are halved.
  const windows = [window]
  for (let next = windows.pop(); next !== undefined; next = windows.pop()) {
    const source = await sides.source(next)
    const cluster = await sides.cluster(next)
    const differing = differingFields(source, cluster)
    if (differing.length === 0) continue
    if (found.differences.length >= room) {
      found.differences.push(
        ...differing.map(({ difference }) => ({ ...about, ...difference, ...ends(next) })),
      )
      continue
    }
    const span = spanOf(source, cluster, next)
    const count = [...source.values(), ...cluster.values()].reduce((sum, one) => sum + one.count, 0)
    if (count > FEW && span.end - span.start > 1n) {
      const middle = span.start + (span.end - span.start) / 2n
      windows.push({ start: middle, end: next.end }, { start: next.start, end: middle })
      continue
    }
    const named = comparePoints(await sides.sourcePoints(next), await sides.clusterPoints(next))
    const shown = named.slice(0, room - found.differences.length)
    found.differences.push(...shown.map((difference) => ({ ...about, ...difference })))
    found.leftOut += named.length - shown.length
    if (named.length === 0)
      found.differences.push(
        ...differing.map(({ difference }) => ({ ...about, ...difference, ...ends(next) })),
      )
  }
  return found
}

type WithoutPlace = Omit<Difference, 'slice' | 'target' | 'start' | 'end'>

/** Fields whose figures differ, each as a difference of figures. */
export function differingFields(
  source: ReadonlyMap<string, Expected>,
  cluster: ReadonlyMap<string, Found>,
): { field: string; difference: WithoutPlace }[] {
  return [...new Set([...source.keys(), ...cluster.keys()])].flatMap((field) => {
    const [expected, answered] = [source.get(field), cluster.get(field)]
    const words = expected && answered ? differencesOf(expected, answered) : (['count'] as const)
    if (words.length === 0 || (expected?.count ?? 0) + (answered?.count ?? 0) === 0) return []
    const difference: WithoutPlace = {
      field,
      kind: 'figures',
      source: expected === undefined ? '0 points' : figuresInWords(expected, words),
      cluster: answered === undefined ? '0 points' : figuresInWords(answered, words),
    }
    return [{ field, difference }]
  })
}

/** Where there are points: a window may be all of time. */
function spanOf(
  source: ReadonlyMap<string, Expected>,
  cluster: ReadonlyMap<string, Found>,
  { start, end }: TimeWindow,
): TimeWindow {
  let [first, last] = [end, start]
  for (const one of [...source.values(), ...cluster.values()]) {
    // Of fields that are only in the cluster times are not asked for.
    if (one.count > 0 && (one.first === undefined || one.last === undefined)) return { start, end }
    if (one.count === 0) continue
    if ((one.first as bigint) < first) first = one.first as bigint
    if ((one.last as bigint) > last) last = one.last as bigint
  }
  return { start: first > start ? first : start, end: last + 1n < end ? last + 1n : end }
}

function comparePoints(
  source: ReadonlyMap<string, Point>,
  cluster: ReadonlyMap<string, Point>,
): Omit<Difference, 'slice' | 'target'>[] {
  const points = [...source.keys(), ...[...cluster.keys()].filter((key) => !source.has(key))]
  return points
    .map((key) => ({ point: source.get(key), other: cluster.get(key) }))
    .sort((a, b) => compareTimes(a.point ?? a.other, b.point ?? b.other))
    .flatMap(({ point, other }): Omit<Difference, 'slice' | 'target'>[] => {
      if (point === undefined)
        return other === undefined ? [] : [{ ...placeOf(other), kind: 'extra', cluster: inWords(other) }]
      const own = { ...placeOf(point), source: inWords(point) }
      if (other === undefined) return [{ ...own, kind: 'missing' }]
      if (point.type === other.type && Object.is(point.value, other.value)) return []
      const kind = point.type === other.type ? 'value' : 'type'
      return [{ ...own, kind, cluster: inWords(other) }]
    })
}

function compareTimes(a: Point | undefined, b: Point | undefined): number {
  if (a === undefined || b === undefined || a.time === b.time) return 0
  return a.time < b.time ? -1 : 1
}

function placeOf({ measurement, field, series, time }: Point) {
  return { measurement, field, series, start: formatRfc3339(time), end: formatRfc3339(time + 1n) }
}

export function ends({ start, end }: TimeWindow): Pick<Difference, 'start' | 'end'> {
  return { start: formatRfc3339(start), end: formatRfc3339(end) }
}

const TEXT_SHOWN = 80

/** As line protocol writes it. */
function inWords({ type, value }: Point): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > TEXT_SHOWN ? `${value.slice(0, TEXT_SHOWN)}...` : value)
  if (type === 'integer') return `${value}i`
  return type === 'unsigned' ? `${value}u` : Object.is(value, -0) ? '-0' : String(value)
}
