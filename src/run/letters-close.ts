/** The dead letters held against the state: every point that was refused is in them, once. */
import { Failure } from '../core/failure.ts'
import { countOf } from '../core/units.ts'
import { DeadLetterSums, type LetterSums } from '../lines/letter-sums.ts'
import type { Slice } from '../plan/plan.ts'
import { showSlice } from '../plan/slices.ts'
import type { SliceCounts, SliceSent } from '../state/state.generated.ts'
import { stateOf, type RunContext } from './context.ts'
import { deadLetterPath } from './work-folder.ts'

/** Reads each dead letter file once, as it grows. */
export class DeadLetterFiles {
  readonly #context: RunContext
  readonly #files = new Map<string, DeadLetterSums>()

  constructor(context: RunContext) {
    this.#context = context
  }

  /** What a slice has in the dead letter of its mapping; its letters must be flushed. */
  of(slice: Slice): Promise<LetterSums> {
    const path = deadLetterPath(this.#context.migration, slice.mapping)
    let sums = this.#files.get(path)
    if (sums === undefined) this.#files.set(path, (sums = new DeadLetterSums(path)))
    return sums.of(slice.id)
  }

  /**
   * To be called when the last letter of a slice is on disk, after its reading (without `sent`) or its writing.
   *
   * @throws Failure `export/dead-letter`: the slice has to be read again, since nothing else holds the letters.
   */
  async expectClosed(
    slice: Slice,
    counts: Pick<SliceCounts, 'refusedPoints' | 'skipped'>,
    sent?: Pick<SliceSent, 'refusedLines' | 'refusedPoints'>,
  ): Promise<void> {
    const difference = differenceOf(await this.of(slice), counts, sent)
    if (difference === undefined) return
    throw new Failure('export/dead-letter', `the dead letter does not hold what was refused: ${difference}`, {
      where: `${deadLetterPath(this.#context.migration, slice.mapping)} (${showSlice(slice.id)})`,
      remedy:
        'Something changed or removed the file while it was written. Leave it alone and run again: the slice is read anew.',
    })
  }
}

/**
 * Looks through the dead letters of the slices that are written, in the end of a run.
 *
 * @throws Failure `dead-letter/sum` naming files and slices
 */
export async function expectLettersClose(context: RunContext): Promise<void> {
  const files = new DeadLetterFiles(context)
  const open: { path: string; text: string }[] = []
  for (const slice of context.slices) {
    const state = stateOf(context, slice)
    if (state?.status !== 'written') continue
    const difference = differenceOf(await files.of(slice), state.counts, state.sent)
    const path = deadLetterPath(context.migration, slice.mapping)
    if (difference !== undefined) open.push({ path, text: `${showSlice(slice.id)}: ${difference}` })
  }
  const [first] = open
  if (first === undefined) return
  const paths = [...new Set(open.map(({ path }) => path))]
  const more = open.length > SHOWN ? [`... and ${open.length - SHOWN} more`] : []
  throw new Failure(
    'dead-letter/sum',
    `${paths.length === 1 ? 'a dead letter file was' : `${paths.length} dead letter files were`} edited or lost: ` +
      `${open.length === 1 ? 'it does' : `${countOf(open.length, 'slice')} do`} not close with the state`,
    {
      where: paths.join(', '),
      remedy: [
        ...open.slice(0, SHOWN).map(({ text }) => text),
        ...more,
        'What was moved is not touched by this, but the record of what was refused is. Restore the file from a copy.',
      ].join('\n'),
    },
  )
}

const SHOWN = 5

function differenceOf(
  found: LetterSums,
  { refusedPoints, skipped }: Pick<SliceCounts, 'refusedPoints' | 'skipped'>,
  sent: Pick<SliceSent, 'refusedLines' | 'refusedPoints'> | undefined,
): string | undefined {
  const parts = [
    found.ownPoints !== refusedPoints &&
      `${countOf(found.ownPoints, 'point')} of ${refusedPoints} that influx-ferry refused`,
    found.skipped !== skipped && `${countOf(found.skipped, 'damaged place')} of ${skipped}`,
    sent !== undefined &&
      (found.lines !== sent.refusedLines || found.points !== sent.refusedPoints) &&
      `${countOf(found.lines, 'line')} with ${countOf(found.points, 'point')} of ${sent.refusedLines} with ${sent.refusedPoints} that the cluster refused`,
  ].filter((part) => part !== false)
  return parts.length === 0 ? undefined : `it has ${parts.join(', and ')}`
}
