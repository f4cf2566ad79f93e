/** The task list on a terminal. The only file that knows Listr2: it draws what the run tells, and decides nothing. */
import { styleText } from 'node:util'
import { Listr, type ListrTaskWrapper, type DefaultRenderer, type SimpleRenderer } from 'listr2'
import { PHASES, type Observer, type Phase, type RunEvent } from '../run/events.ts'
import { fold } from '../manifest/cells.ts'
import { ProgressLine } from './progress-line.ts'
import { textOf } from './plain-log.ts'

/** Columns that are read with ease. */
const WIDTH = 110

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

const TITLES: Record<Phase, string> = {
  validate: 'Validate',
  export: 'Export',
  create: 'Create databases',
  token: 'Get token',
  write: 'Write',
  verify: 'Verify',
}

/** One task a phase. `finished` resolves when the list is drawn for the last time. */
export function taskList(): { observe: Observer; finished: () => Promise<void> } {
  const phases = new Map(PHASES.map((phase) => [phase, new PhaseTask(TITLES[phase])]))
  const said: string[] = []
  let current: Phase = 'validate'
  let drawing: Promise<unknown> | undefined
  const list = new Listr(
    [...phases.values()].map((phase) => ({
      title: phase.title,
      task: (_: unknown, task: Task) => phase.draw(task),
    })),
    {
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: false, showErrorMessage: false },
    },
  )
  const observe = (event: RunEvent) => {
    if (event.type === 'run-started') drawing = list.run().catch(() => undefined)
    else if (event.type === 'run-ended') for (const phase of phases.values()) phase.leave()
    else if ('phase' in event) {
      current = event.phase
      phases.get(event.phase)?.observe(event)
    }
    // The summary names the slices that failed.
    else if (event.type === 'slice-failed') phases.get(current)?.sliceFailed()
    else if (event.type === 'note' || event.type === 'warning') {
      const lines = fold(textOf(event) ?? '', Math.min(process.stdout.columns, WIDTH)).join('\n  ')
      said.push(event.type === 'note' ? lines : styleText('yellow', lines))
    }
  }
  const finished = async () => {
    await drawing
    for (const text of said) process.stdout.write(`${text}\n`)
  }
  return { observe, finished }
}

type PhaseEvent = Extract<RunEvent, { phase: Phase }>

/** A phase's line: Listr2's task lives as long as the phase does. */
class PhaseTask {
  readonly title: string
  readonly #line = new ProgressLine()
  readonly #ended: Promise<'done' | 'skipped' | 'failed'>
  #end!: (how: 'done' | 'skipped' | 'failed') => void
  #task: Task | undefined
  #summary = ''
  #sliceFailed = false
  #isOver = false

  constructor(title: string) {
    this.title = title
    this.#ended = new Promise((resolve) => (this.#end = resolve))
  }

  async draw(task: Task): Promise<void> {
    this.#task = task
    const stalled = setInterval(() => this.#showStalled(), 1000)
    const how = await this.#ended
    clearInterval(stalled)
    const title = `${this.title}  ${styleText('dim', this.#summary)}`.trimEnd()
    if (how === 'failed') {
      task.title = title
      throw new Error(this.#summary)
    }
    if (how === 'skipped') task.skip(title)
    else task.title = title
  }

  observe(event: PhaseEvent): void {
    switch (event.type) {
      case 'phase-started':
        return
      case 'progress':
        if (this.#task !== undefined) this.#task.output = this.#line.show(event.progress, Date.now())
        return
      case 'phase-done':
        this.#isOver = true
        this.#summary = event.summary
        return this.#end(this.#sliceFailed ? 'failed' : 'done')
      case 'phase-skipped':
        this.#isOver = true
        this.#summary = event.summary
        return this.#end('skipped')
      case 'phase-failed':
        this.#isOver = true
        return this.#end('failed')
    }
  }

  #showStalled(): void {
    const line = this.#line.again(Date.now())
    if (line !== undefined && this.#task !== undefined) this.#task.output = line
  }

  /** The phase's tick would say that all is well. */
  sliceFailed(): void {
    this.#sliceFailed = true
  }

  /** The run is over, and did not come to this phase. */
  leave(): void {
    if (this.#isOver) return
    this.#summary = 'not reached'
    this.#end('skipped')
  }
}
