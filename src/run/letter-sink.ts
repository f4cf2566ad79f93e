import { Failure } from '../core/failure.ts'
import type { DeadLetter, DeadLetterSink } from '../lines/dead-letter.ts'
import type { Slice } from '../plan/plan.ts'
import { showSlice } from '../plan/slices.ts'
import type { RejectionLimits } from './max-rejected.ts'
import { showLine } from './refusal-reasons.ts'

export interface SliceLettersOptions {
  /** Hash of the transforms under which the slice is, or was, read. */
  transforms: string | undefined
  limits: RejectionLimits
  /** Whether a point that v3 cannot express fails the slice (transfer: direct; `onInexpressible: fail`). */
  failOnInexpressible?: boolean
}

/**
 * The dead letter of a slice that is read or written: letters tell their transforms, and reading ends when too much is refused.
 * `add` then throws; why is in the limits ({@link RejectionLimits.expectWithin}), or the Failure `export/inexpressible` itself.
 */
export function sliceLetters(
  slice: Slice,
  file: DeadLetterSink,
  { transforms, limits, failOnInexpressible = false }: SliceLettersOptions,
): DeadLetterSink {
  let own = 0
  return {
    add(letter) {
      file.add(transforms === undefined ? letter : { ...letter, transforms })
      if (letter.by === 'cluster') return
      own += letter.points
      if (failOnInexpressible && isInexpressible(letter)) throw inexpressible(slice, letter)
      if (limits.refusedSoFar(slice, own)) throw new Failure('rejected/too-many', 'too much is refused')
    },
    flush: () => file.flush(),
  }
}

/** Not what was left out with a damaged block: that is asked for with `onCorruption: skip`. */
export function isInexpressible({ by, where }: DeadLetter): boolean {
  return by === 'influx-ferry' && where === undefined
}

function inexpressible(slice: Slice, letter: DeadLetter): Failure {
  return new Failure('export/inexpressible', `a point cannot be written to the cluster: ${letter.reason}`, {
    where: `${showSlice(slice.id)}: ${showLine(letter)}`,
    remedy:
      'Say "onInexpressible: dead-letter" in its mapping to list such points in the dead letter and move the rest, or change\n' +
      'them with "transforms"; then run again: the slice is sent from the start.',
  })
}
