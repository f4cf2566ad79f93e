/** Which batches a state holds as acknowledged, held against what a sandbox counted: none of them is sent again. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { joinLines, type LogicalLine } from '../../src/cluster/logical-lines.ts'
import { unpack } from '../../src/cluster/repair-batch.ts'
import type { DeadLetter } from '../../src/lines/dead-letter.ts'
import { openSpool } from '../../src/lines/spool-file.ts'
import type { State } from '../../src/state/state.generated.ts'

/** By slice, by batch: the SHA-256 of the body that is acknowledged for it. */
export type Bodies = Map<string, string[]>

/** The lines of every batch of a finished export, by slice. */
export async function readSpools(
  state: State | undefined,
  spoolDir: string,
): Promise<Map<string, LogicalLine[][]>> {
  const spools = new Map<string, LogicalLine[][]>()
  for (const slice of Object.keys(state?.slices ?? {})) {
    const spool = await openSpool(`${join(spoolDir, 'spool', slice)}.lp.gz`)
    const batches: LogicalLine[][] = []
    for (const batch of spool.index.batches.keys()) batches.push(await unpack(await spool.read(batch)))
    await spool.close()
    spools.set(slice, batches)
  }
  return spools
}

/**
 * What is acknowledged in the end, where the cluster names every refused line at once: the batches without the lines
 * that `letters` says the cluster refuses.
 */
export function bodiesOf(spools: Map<string, LogicalLine[][]>, letters: readonly DeadLetter[]): Bodies {
  const keyOf = (slice: string, batch: number | undefined, line: string) => `${slice} ${batch} ${line}`
  const refused = new Set(
    letters.filter(({ by }) => by === 'cluster').map(({ slice, batch, line }) => keyOf(slice, batch, line)),
  )
  const bodies: Bodies = new Map()
  for (const [slice, batches] of spools) {
    const hashes = batches.map((lines, batch) => {
      const stored = lines.filter(
        ({ bytes }) => !refused.has(keyOf(slice, batch, Buffer.from(bytes).toString('utf8'))),
      )
      if (stored.length === 0) throw new Error(`nothing of ${slice}, batch ${batch} is acknowledged`)
      return createHash('sha256').update(joinLines(stored)).digest('hex')
    })
    bodies.set(slice, hashes)
  }
  const all = [...bodies.values()].flat()
  if (new Set(all).size < all.length) throw new Error('two batches are alike: their counts tell nothing')
  return bodies
}

export class Acknowledged {
  readonly #bodies: Bodies
  /** By `slice#batch`: how often its body was acknowledged when a state first held it. */
  readonly #held = new Map<string, { hash: string; count: number }>()

  constructor(bodies: Bodies) {
    this.#bodies = bodies
  }

  /** Batches held as acknowledged so far. */
  get size(): number {
    return this.#held.size
  }

  /** Takes in a state that a run left, and the sandbox's counts of that moment. */
  hold(state: State | undefined, counts: Readonly<Record<string, number>>): void {
    for (const [slice, body] of Object.entries(state?.slices ?? {})) {
      if (body.status === 'failed') continue
      for (const { first, last } of body.sent.batches) {
        for (let batch = first; batch <= last; batch += 1) {
          const key = `${slice}#${batch}`
          const hash = this.#bodies.get(slice)?.[batch] ?? 'no such batch'
          if (!this.#held.has(key)) this.#held.set(key, { hash, count: counts[hash] ?? 0 })
        }
      }
    }
  }

  /** What is wrong by now: batches held without having been acknowledged, or acknowledged once more since. */
  violations(counts: Readonly<Record<string, number>>): string[] {
    return [...this.#held].flatMap(([key, { hash, count }]) => {
      if (count === 0) return [`${key} was never acknowledged`]
      return counts[hash] === count
        ? []
        : [`${key} was acknowledged ${counts[hash]} times, ${count} when held`]
    })
  }
}
