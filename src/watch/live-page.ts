import { join } from 'node:path'
import { reportAsHtml } from '../report/html/page.ts'
import { LetterTally } from '../report/letter-tally.ts'
import { makeReport } from '../report/model.ts'
import type { RunEvent } from '../run/events.ts'
import { readVerification, verificationPath } from '../verify/verification-file.ts'
import type { Followed } from './followed.ts'

/** Milliseconds for which a page is served again as it is. */
const RENDER_EVERY = 1000

/** The report of a run under way; made when it is asked for, and at most once a second. */
export class LivePage {
  readonly #followed: Followed
  readonly #letters: LetterTally
  #page: { at: number; text: Promise<string> } | undefined
  #isOver = false

  constructor(followed: Followed) {
    this.#followed = followed
    this.#letters = new LetterTally(join(followed.migration.spool.dir, 'dead-letter'))
  }

  observe({ type }: RunEvent): void {
    if (type !== 'run-ended') return
    this.#isOver = true
    this.#page = undefined
  }

  read(): Promise<string> {
    const now = Date.now()
    // One at a time, too: the letters are read on from where they were left.
    if (this.#page === undefined || now - this.#page.at >= RENDER_EVERY)
      this.#page = { at: now, text: this.#render(now, this.#page?.text) }
    return this.#page.text
  }

  async #render(now: number, before: Promise<string> | undefined): Promise<string> {
    await before?.catch(() => undefined)
    const { migration, slices, state, reproduce } = this.#followed
    // The verify phase says what is wrong with it, if anything is.
    const verification = await readVerification(verificationPath(state.path)).catch(() => undefined)
    const report = makeReport({
      ...{ manifest: migration.file, state: state.state, planned: slices, migration, reproduce, now },
      verification,
      letters: await this.#letters.read(),
      isUnderWay: !this.#isOver,
    })
    return reportAsHtml(report, true)
  }
}
