/** About how many partitions a table of the cluster gets from a slice. */
import type { PartitionPart } from '../manifest/migration.ts'
import type { TargetSeries } from '../lines/transform/series-transform.ts'

/** InfluxData: "we recommend to keep the total number of partitions under 10,000". */
export const ADVISED_PARTITIONS = 10_000

const DAY = 86_400_000_000_000n
const BY_DAY: PartitionPart[] = [{ type: 'time', value: '%Y-%m-%d' }]

/** One for each combination of the template's tags, and each day, month or year between the first and the last point. */
export class PartitionCount {
  readonly #template: PartitionPart[]
  readonly #combinations = new Set<string>()

  constructor(template: PartitionPart[] = BY_DAY) {
    this.#template = template
  }

  add(tags: TargetSeries['tags']): void {
    if (this.#template.length === 1 || this.#combinations.size > ADVISED_PARTITIONS) return
    const valueOf = (key: string) => tags.find(([tag]) => tag === key)?.[1] ?? ''
    const values = this.#template.flatMap((part) => {
      if (part.type === 'time') return []
      return [part.type === 'tag' ? valueOf(part.value) : valueOf(part.value.tagName)]
    })
    this.#combinations.add(JSON.stringify(values))
  }

  of({ first, last }: { first: bigint; last: bigint }): number {
    if (first > last) return 0
    const time = this.#template.find(({ type }) => type === 'time')
    const units = unitsBetween(first, last, time?.type === 'time' ? time.value : '%Y-%m-%d')
    const only = this.#template.every(({ type }) => type !== 'tag')
    // A bucket holds many values of its tag.
    const most = this.#template.reduce(
      (product, part) => (part.type === 'bucket' ? product * part.value.numberOfBuckets : product),
      1,
    )
    const combinations = Math.max(1, this.#combinations.size)
    return units * (only ? Math.min(combinations, most) : combinations)
  }
}

function unitsBetween(first: bigint, last: bigint, format: string): number {
  if (format === '%Y-%m-%d') return Number(dayOf(last) - dayOf(first)) + 1
  const [from, to] = [new Date(Number(first / 1_000_000n)), new Date(Number(last / 1_000_000n))]
  const years = to.getUTCFullYear() - from.getUTCFullYear()
  if (format === '%Y') return years + 1
  return years * 12 + to.getUTCMonth() - from.getUTCMonth() + 1
}

function dayOf(time: bigint): bigint {
  return time >= 0n ? time / DAY : (time + 1n) / DAY - 1n
}
