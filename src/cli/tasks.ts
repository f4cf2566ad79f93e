/** The task list on a terminal. The only file that knows Listr2: it draws what the run tells, and decides nothing. */
import { styleText } from 'node:util'
import { Listr, type ListrTaskWrapper, type DefaultRenderer, type SimpleRenderer } from 'listr2'
import { PHASES, type Observer, type Phase, type RunEvent } from '../run/events.ts'
import { ProgressLine } from './progress-line.ts'
import { textOf } from './plain-log.ts'

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

const TITLES: Record<Phase, string> = {
  validate: 'Validate',
  export: 'Export',
  create: 'Create databases',
  token: 'Get token',
  write: 'Write',
}

/** One task a phase. `finished` resolves when the list is drawn for the last time. */
export function taskList(): { observe: Observer; finished: () => Promise<void> } {
  const phases = new Map(PHASES.map((phase) => [phase, new PhaseTask(TITLES[phase])]))
  const said: string[] = []
  let drawing: Promise<unknown> | undefined
  const list = new Listr(
    [...phases.values()].map((phase) => ({
      title: phase.title,
      task: (_: unknown, task: Task) => phase.draw(task),
    })),
    {
      exitOnError: true,
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: false, showErrorMessage: false },
    },
  )
  const observe = (event: RunEvent) => {
    if (event.type === 'run-started') drawing = list.run().catch(() => undefined)
    else if (event.type === 'run-ended') for (const phase of phases.values()) phase.end('failed')
    else if ('phase' in event) phases.get(event.phase)?.observe(event)
    else if (event.type !== 'slice-exported' && event.type !== 'slice-written') {
      const text = textOf(event)
      if (text !== undefined) said.push(event.type === 'note' ? text : styleText('yellow', text))
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

  constructor(title: string) {
    this.title = title
    this.#ended = new Promise((resolve) => (this.#end = resolve))
  }

  async draw(task: Task): Promise<void> {
    this.#task = task
    const how = await this.#ended
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
        this.#summary = event.summary
        return this.end('done')
      case 'phase-skipped':
        this.#summary = event.summary
        return this.end('skipped')
      case 'phase-failed':
        return this.end('failed')
    }
  }

  end(how: 'done' | 'skipped' | 'failed'): void {
    this.#end(how)
  }
}
