/** `maxRejected`: a mapping of which too much is refused stops the run. */
import { Failure } from '../core/failure.ts'
import { countOf, formatCount } from '../core/units.ts'
import type { Mapping } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'
import type { BatchOutcome } from '../state/state.ts'
import type { SliceState } from '../state/state.generated.ts'
import { mappingOf, stateOf, type RunContext } from './context.ts'
import { reasonsIn, showMapping, showReasons, type Reason } from './refusal-reasons.ts'
import { deadLetterPath } from './work-folder.ts'

/** Points of a mapping so far. */
interface Settled {
  mapping: Mapping
  slices: Slice[]
  /** In the batches of what is read, and what of it influx-ferry refused. */
  read: number
  refused: number
  /** Taken by the cluster, and refused by it. */
  sent: number
  refusedByCluster: number
}

/**
 * Counts what is refused, beginning with what the state holds. Nothing is stopped here: who makes or sends batches looks at
 * {@link exceeded} before the next one, so that those under way are finished.
 */
export class RejectionLimits {
  readonly #context: RunContext
  readonly #mappings = new Map<string, Settled>()
  #exceeded: Settled | undefined

  constructor(context: RunContext) {
    this.#context = context
    const bySource = new Map<Mapping, Settled>()
    for (const slice of context.plan.slices) {
      const mapping = mappingOf(context, slice)
      if (mapping.maxRejected === undefined) continue
      const settled = bySource.get(mapping) ?? { mapping, slices: [], ...NOTHING }
      bySource.set(mapping, settled)
      settled.slices.push(slice)
      this.#mappings.set(slice.id, settled)
      addState(settled, stateOf(context, slice))
    }
    for (const settled of bySource.values()) this.#judge(settled)
  }

  get exceeded(): boolean {
    return this.#exceeded !== undefined
  }

  /** A slice was read to its end. */
  exported({ id }: Slice, counts: { points: number; refusedPoints: number }): void {
    const settled = this.#mappings.get(id)
    if (settled === undefined) return
    settled.read += counts.points
    settled.refused += counts.refusedPoints
    this.#judge(settled)
  }

  /** Points that were refused of a slice that is being read: of so many, that more are not waited for. */
  refusedSoFar({ id }: Slice, points: number): boolean {
    const settled = this.#mappings.get(id)
    const limit = settled?.mapping.maxRejected
    if (settled === undefined || limit === undefined || !('points' in limit)) return false
    if (settled.refused + settled.refusedByCluster + points > limit.points) this.#exceeded ??= settled
    return this.exceeded
  }

  acknowledged(
    { id }: Slice,
    { points, refusedPoints }: Pick<BatchOutcome, 'points' | 'refusedPoints'>,
  ): void {
    const settled = this.#mappings.get(id)
    if (settled === undefined) return
    settled.sent += points
    settled.refusedByCluster += refusedPoints
    this.#judge(settled)
  }

  /** @throws Failure `rejected/too-many`, when nothing is under way any more */
  async expectWithin(): Promise<void> {
    if (this.#exceeded !== undefined) throw await this.#failure(this.#exceeded)
  }

  #judge(settled: Settled): void {
    const { maxRejected: limit } = settled.mapping
    if (limit === undefined) return
    const { refused, refusedByCluster } = settled
    const isTooMuch =
      'points' in limit
        ? refused + refusedByCluster > limit.points
        : this.#part(settled) > limit.percent / 100
    if (isTooMuch) this.#exceeded ??= settled
  }

  /**
   * Which part of the points does not arrive: what influx-ferry refuses is a part of what is read, what the cluster refuses one
   * of what is sent of that, and much may be read before anything is sent. Neither means anything after a few points.
   */
  #part({ read, refused, sent, refusedByCluster }: Settled): number {
    const { lines } = this.#context.migration.target.write.batch
    const partOf = (some: number, rest: number) => (some + rest < lines ? 0 : some / (some + rest))
    return 1 - (1 - partOf(refused, read)) * (1 - partOf(refusedByCluster, sent))
  }

  async #failure({ mapping, slices, refused, refusedByCluster }: Settled): Promise<Failure> {
    const ids = new Set(slices.map(({ id }) => id))
    const paths = new Set(slices.map((slice) => deadLetterPath(this.#context.migration, slice.mapping)))
    const places: string[] = []
    const reasons: Reason[] = []
    for (const path of paths) {
      const found = await reasonsIn([path], ({ slice, points }) => ids.has(slice) && points > 0)
      if (found.length > 0) places.push(path)
      reasons.push(...found)
    }
    // What is refused of a slice that is not read to its end is in the dead letter alone.
    const total = Math.max(
      refused + refusedByCluster,
      reasons.reduce((sum, { points }) => sum + points, 0),
    )
    const were = total === 1 ? 'was' : 'were'
    return new Failure(
      'rejected/too-many',
      `${countOf(total, 'point')} of ${showMapping(mapping)} ${were} refused, and "maxRejected" allows ${allowedBy(mapping)}`,
      {
        where: places.join(', '),
        remedy: [
          ...showReasons(reasons),
          'What was under way is finished, and the state is saved. Change what is refused, at the cluster or with',
          '"transforms", or raise "maxRejected", and run again: it goes on where this run stopped.',
        ].join('\n'),
      },
    )
  }
}

function allowedBy({ maxRejected: limit }: Mapping): string {
  if (limit === undefined) return 'any'
  return 'points' in limit ? formatCount(limit.points) : `${limit.percent}%`
}

const NOTHING = { read: 0, refused: 0, sent: 0, refusedByCluster: 0 }

function addState(settled: Settled, state: SliceState | undefined): void {
  if (state === undefined || state.status === 'failed') return
  const { sent } = state
  settled.sent += sent.points
  settled.refusedByCluster += sent.refusedPoints
  if (state.status === 'sending') return
  settled.read += state.counts.points
  settled.refused += state.counts.refusedPoints
}
