/** The dead letters of one file, sent again: those that can be are, the others stay where they are. */
import { rm } from 'node:fs/promises'
import { Failure } from '../core/failure.ts'
import { writeAsMade } from '../cluster/write-batches.ts'
import type { Lanes } from '../cluster/lanes.ts'
import type { ExportCounts } from '../lines/accounting.ts'
import type { DeadLetter } from '../lines/dead-letter.ts'
import { LetterCheck, sourceLineOf } from '../lines/letter-lines.ts'
import { readDeadLetters } from '../lines/read-dead-letters.ts'
import { RewrittenDeadLetters } from '../lines/rewritten-dead-letters.ts'
import { spoolSlice } from '../lines/spool-slice.ts'
import { compileTransforms } from '../lines/transform/series-transform.ts'
import type { Slice } from '../plan/plan.ts'
import { transformsHash } from '../plan/slices.ts'
import type { BatchOutcome, SumChanges } from '../state/state.ts'
import { stateOf, type RunContext } from './context.ts'
import { settleRetriedLetters } from './tidy-up.ts'
import type { ClientFor } from './token.ts'
import { deadLetterPath, figuresPath, sortedRunsPath } from './work-folder.ts'

export interface Retried {
  /** Letters that were there. */
  letters: number
  /** Rows that the cluster has now. */
  rows: number
  /** Letters that were tried in vain; their reasons are the new ones. */
  refused: number
  /** Letters that were not tried, by why not. */
  left: Map<string, number>
}

/** Where the letters of a slice that are tried lie in the file, and what they add up to. */
interface Tried {
  slice: Slice
  start: number
  end: number
  letters: number
  ownPoints: number
  clusterLines: number
  clusterPoints: number
  /** Whether the present transforms are still to be applied: its letters were made before there were any. */
  isUntransformed: boolean
}

const NOTHING_SENT: BatchOutcome = { lines: 0, points: 0, refusedLines: 0, refusedPoints: 0, bytes: 0 }

/**
 * Sends again what is in the dead letter of `mapping`, slice by slice: lines are read as those of a source are, so that of
 * two letters of one point the later one counts. File and state change together when all is tried, or something failed.
 *
 * @throws Failure `write/...`, `dead-letter/unwritable`; the signal's reason
 */
export async function retryLetters(
  context: RunContext,
  mapping: string,
  clientFor: ClientFor,
  lanes: Lanes,
): Promise<Retried> {
  return new LettersRetry(context, mapping, clientFor, lanes).run()
}

class LettersRetry {
  readonly #context: RunContext
  readonly #mapping: string
  readonly #clientFor: ClientFor
  readonly #lanes: Lanes
  readonly #slices: Map<string, Slice>
  /** Of the transforms that each slice has now. */
  readonly #transforms: Map<string, string | undefined>
  readonly #path: string
  readonly #check = new LetterCheck()
  readonly #retried: Retried = { letters: 0, rows: 0, refused: 0, left: new Map() }
  readonly #changes: ({ slice: string } & SumChanges)[] = []

  constructor(context: RunContext, mapping: string, clientFor: ClientFor, lanes: Lanes) {
    const own = context.slices.filter((slice) => slice.mapping.id === mapping)
    const [first] = own
    if (first === undefined) throw new Error(`no slice is of ${mapping}`)
    this.#context = context
    this.#mapping = mapping
    this.#clientFor = clientFor
    this.#lanes = lanes
    this.#slices = new Map(own.map((slice) => [slice.id, slice]))
    this.#transforms = new Map(own.map((slice) => [slice.id, transformsHash(slice)]))
    this.#path = deadLetterPath(context.migration, first.mapping)
  }

  async run(): Promise<Retried> {
    const draft = await RewrittenDeadLetters.begin(this.#path)
    let isNamed = false
    try {
      const failure = await this.#fill(draft)
      if (this.#changes.length > 0) {
        // From here on the state may know the draft: the next run removes it, or gives it its place.
        isNamed = true
        await this.#commit(draft)
      }
      if (failure !== undefined) throw failure.error
      return this.#retried
    } finally {
      if (!isNamed) await draft.discard()
    }
  }

  /** @returns what ended the sending, if something did; what was not tried then is in the draft as it was. */
  async #fill(draft: RewrittenDeadLetters): Promise<{ error: unknown } | undefined> {
    let failure: { error: unknown } | undefined
    for (const tried of await this.#sort(draft)) {
      const mark = await draft.mark()
      try {
        if (failure === undefined) await this.#try(tried, draft)
      } catch (error) {
        failure = { error }
        await draft.rewind(mark)
      }
      if (failure === undefined) continue
      for await (const { text } of this.#lettersOf(tried)) await draft.keep(text)
    }
    return failure
  }

  async #commit(draft: RewrittenDeadLetters): Promise<void> {
    const { state } = this.#context
    const file = await draft.finish()
    state.apply({ type: 'letters-retried', mapping: this.#mapping, file, changes: this.#changes })
    await state.save()
    await settleRetriedLetters(this.#context)
  }

  /** Puts what is not tried into the draft. */
  async #sort(draft: RewrittenDeadLetters): Promise<Tried[]> {
    const groups = new Map<string, Tried>()
    let start = 0
    for await (const { text, letter, next } of readDeadLetters(this.#path)) {
      this.#retried.letters += 1
      const end = next ?? start + text.length
      const why = letter === undefined ? 'no letter any more: the line was edited' : this.#whyNot(letter)
      if (letter === undefined || why !== undefined) {
        await draft.keep(text)
        this.#retried.left.set(why ?? '', (this.#retried.left.get(why ?? '') ?? 0) + 1)
      } else {
        const key = JSON.stringify([letter.slice, letter.transforms])
        const tried = groups.get(key) ?? this.#nothingTried(letter, start)
        groups.set(key, tried)
        tried.end = end
        tried.letters += 1
        if (letter.by === 'cluster') {
          tried.clusterLines += 1
          tried.clusterPoints += letter.points
        } else tried.ownPoints += letter.points
      }
      start = end
    }
    return [...groups.values()]
  }

  #nothingTried(letter: DeadLetter, start: number): Tried {
    const slice = this.#slices.get(letter.slice)
    if (slice === undefined) throw new Error(`slice ${letter.slice} is not planned`)
    return {
      slice,
      start,
      end: start,
      letters: 0,
      ownPoints: 0,
      clusterLines: 0,
      clusterPoints: 0,
      isUntransformed: letter.transforms === undefined,
    }
  }

  /** Why a letter is not tried; `undefined` when it is. */
  #whyNot(letter: DeadLetter): string | undefined {
    const slice = this.#slices.get(letter.slice)
    if (slice === undefined) return 'of a slice that the manifest does not ask for'
    if (stateOf(this.#context, slice)?.status !== 'written')
      return 'of a slice that is not written yet: run first'
    if (letter.where !== undefined) return 'of a damaged place of the source: there is no line to send'
    if (letter.transforms !== undefined && letter.transforms !== this.#transforms.get(slice.id))
      return 'made under other transforms than the present ones: have the slice moved again (rerun --slice)'
    if (letter.transforms !== undefined && letter.by === 'influx-ferry')
      return 'not what a transform can take: change it and have the slice moved again (rerun --slice)'
    if (!this.#check.isSound(sourceLineOf(letter), letter.points))
      return 'not a line of line protocol, or edited: correct it at the source'
    return undefined
  }

  async *#lettersOf({ slice, start, end, isUntransformed }: Tried) {
    for await (const { text, letter } of readDeadLetters(this.#path, start, end - 1)) {
      if (letter?.slice !== slice.id || (letter.transforms === undefined) !== isUntransformed) continue
      if (this.#whyNot(letter) === undefined) yield { text, letter }
    }
  }

  async #try(tried: Tried, draft: RewrittenDeadLetters): Promise<void> {
    const { slice } = tried
    const { migration, clock, signal } = this.#context
    const transforms = this.#transforms.get(slice.id)
    const transform = tried.isUntransformed ? compileTransforms(slice.mapping.transforms ?? []) : undefined
    let refused = 0
    const letters = {
      // Batches of a retry are not those of the slice.
      add: ({ batch: _, ...letter }: DeadLetter) => {
        refused += 1
        draft.add(transforms === undefined ? letter : { ...letter, transforms })
      },
      flush: () => draft.flush(),
    }
    const sent = { ...NOTHING_SENT }
    const { client, token } = this.#clientFor(slice.mapping.target)
    const { maxRetries, tokenActivation, batch } = migration.target.write
    const batches = writeAsMade({
      database: slice.mapping.target,
      slice: slice.id,
      ...{ client, lanes: this.#lanes, clock, signal, maxRetries, tokenActivation, deadLetters: letters },
      tokenCreatedAt: token.createdAt,
      onAcknowledged: (_batch, outcome) => addTo(sent, outcome),
    })
    let next = 0
    const nothing = () => Promise.resolve()
    const read = spoolSlice(this.#linesOf(tried), {
      slice: slice.id,
      ...{
        window: slice.window,
        memory: migration.spool.memory,
        gzipLevel: migration.spool.gzipLevel,
        batch,
        transform,
      },
      destination: {
        write: (member, sums) => batches.write(next++, sums, member),
        finish: nothing,
        abandon: nothing,
      },
      ...{
        workDir: sortedRunsPath(migration),
        deadLetters: letters,
        comments: 'none',
        signal: batches.signal,
      },
      onProgress: () => undefined,
    })
    const counts = await read.finally(() => batches.settled())
    // Its figures are of the rows that were there before. Without any, they are taken from the source when they are asked for.
    if (transform !== undefined || counts.points !== tried.clusterPoints)
      await rm(figuresPath(migration, slice), { force: true })
    this.#changes.push({ slice: slice.id, ...changesOf(tried, counts, sent) })
    this.#retried.rows += sent.lines
    this.#retried.refused += refused
  }

  async *#linesOf(tried: Tried): AsyncGenerator<Uint8Array> {
    for await (const { letter } of this.#lettersOf(tried))
      yield Buffer.concat([sourceLineOf(letter), Buffer.from('\n')])
  }
}

function addTo(sums: BatchOutcome, outcome: BatchOutcome): void {
  for (const name of Object.keys(sums) as (keyof BatchOutcome)[]) sums[name] += outcome[name]
}

/** What was refused is read, and sent, like anything else: it leaves one sum and adds to the others. @throws Failure `dead-letter/sum` */
function changesOf(tried: Tried, read: ExportCounts, sent: BatchOutcome): SumChanges {
  const { clusterLines, clusterPoints, ownPoints } = tried
  const { pointsRead, batches: _, rawBytes: __, gzipBytes: ___, ...counts } = read
  if (pointsRead !== clusterPoints + ownPoints)
    throw new Failure(
      'dead-letter/sum',
      `the letters hold ${clusterPoints + ownPoints} points, ${pointsRead} were read`,
      {
        where: tried.slice.id,
        remedy: 'This is a defect of influx-ferry: please report it with the dead letter.',
      },
    )
  const { lines, points, refusedLines, refusedPoints } = sent
  return {
    counts: {
      ...counts,
      points: counts.points - clusterPoints,
      refusedPoints: counts.refusedPoints - ownPoints,
      rows: counts.rows - clusterLines,
    },
    sent: {
      lines,
      points,
      refusedLines: refusedLines - clusterLines,
      refusedPoints: refusedPoints - clusterPoints,
    },
  }
}
