/** Tasks of an export over worker threads, their items in the order in which the tasks were given. */
import { Worker } from 'node:worker_threads'
import type { SeriesTask } from '../source/tsm/series-task.ts'
import {
  failureOf,
  readTask,
  type Emit,
  type Engine,
  type FailureInWords,
  type TaskItem,
  type TaskSettings,
} from './read-task.ts'

export interface TaskRunner {
  /** How many tasks are read at once. */
  readonly workers: number
  /** Much is to come. */
  warmUp(): void
  /** Resolves when a task may be given. */
  ready(): Promise<void>
  /** Begins with a task at once, and hands out its items when `turn` has come. @throws what `turn`, the task or `emit` throws */
  run(task: SeriesTask, settings: TaskSettings, turn: Promise<void>, emit: Emit): Promise<void>
  /** Stops what is under way. The runner can be used again. */
  stop(): Promise<void>
}

/** In this thread, one task after another. */
export function inlineTasks(engine: Engine, signal: AbortSignal): TaskRunner {
  let last = Promise.resolve()
  return {
    workers: 1,
    warmUp: () => undefined,
    ready: () => last.catch(() => undefined),
    run: (task, settings, turn, emit) =>
      (last = turn.then(() => readTask(task, settings, engine, signal, emit))),
    stop: () => last.catch(() => undefined),
  }
}

/** To a thread (export-thread.ts): a task, or that items of so many bytes were taken. */
export type ToThread = { task: SeriesTask; settings: TaskSettings; number: number } | { taken: number }
/** From a thread. */
export interface FromThread {
  number: number
  item: TaskItem | { type: 'failed'; failure: FailureInWords }
  bytes: number
}

/** Of what lives shortly, before it is looked through: by default several times as much, in each thread. */
const YOUNG_MEGABYTES = 4
/** Tasks a thread has: the one it is at, and the next. */
const TASKS_A_THREAD = 2

/** A task that was given to a thread: its items as they come. */
class Run {
  readonly thread: Thread
  readonly #items: FromThread[] = []
  #failure: Error | undefined
  #wake: () => void = () => undefined

  constructor(thread: Thread) {
    this.thread = thread
  }

  add(message: FromThread): void {
    this.#items.push(message)
    this.#wake()
  }

  fail(failure: Error): void {
    this.#failure ??= failure
    this.#wake()
  }

  async next(): Promise<FromThread> {
    for (;;) {
      const message = this.#items.shift()
      if (message !== undefined) return message
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

class Thread {
  readonly runs = new Map<number, Run>()
  readonly #worker: Worker

  constructor(program: URL) {
    this.#worker = new Worker(program, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES } })
    this.#worker.on('message', (message: FromThread) => this.runs.get(message.number)?.add(message))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('a thread of the export has ended')))
  }

  post(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    for (const run of this.runs.values()) run.fail(error)
  }
}

/** Over as many threads; each is started when there is something for it to do. */
export class TaskThreads implements TaskRunner {
  readonly workers: number
  readonly #program: URL
  #threads: Thread[] = []
  #number = 0
  #wake: (() => void)[] = []

  /** @param program what a thread runs: for the bench, another one. */
  constructor(workers: number, program = new URL('./export-thread.js', import.meta.url)) {
    this.workers = workers
    this.#program = program
  }

  warmUp(): void {
    while (this.#threads.length < this.workers) this.#threads.push(new Thread(this.#program))
  }

  async ready(): Promise<void> {
    while (this.#idlest().runs.size >= TASKS_A_THREAD)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  async run(task: SeriesTask, settings: TaskSettings, turn: Promise<void>, emit: Emit): Promise<void> {
    const thread = this.#idlest()
    const number = this.#number++
    const run = new Run(thread)
    thread.runs.set(number, run)
    thread.post({ task, settings, number }, [task.bytes])
    try {
      await turn
      for (;;) {
        const { item, bytes } = await run.next()
        if (item.type === 'failed') throw failureOf(item.failure)
        await emit(item)
        thread.post({ taken: bytes })
        if (item.type === 'done') return
      }
    } finally {
      thread.runs.delete(number)
      for (const wake of this.#wake.splice(0)) wake()
    }
  }

  async stop(): Promise<void> {
    const threads = this.#threads
    this.#threads = []
    await Promise.all(threads.map((thread) => thread.stop()))
  }

  #idlest(): Thread {
    const [first] = this.#threads.toSorted((a, b) => a.runs.size - b.runs.size)
    if (first !== undefined && (first.runs.size === 0 || this.#threads.length === this.workers)) return first
    const thread = new Thread(this.#program)
    this.#threads.push(thread)
    return thread
  }
}
