/** A thread of the export (export-threads.ts): tasks in, batches out, and no more of them than are taken. */
import { parentPort } from 'node:worker_threads'
import { Failure } from '../core/failure.ts'
import type { FromThread, ToThread } from './export-threads.ts'
import { createEngine, inWords, readTask, type Engine, type TaskItem } from './read-task.ts'

/** Bytes that wait to be taken: another task may have its turn. */
const WAITING_BYTES = 8 << 20

const { signal } = new AbortController()
let engine: Engine | undefined
let waiting = 0
let wake: () => void = () => undefined
let last = Promise.resolve()

parentPort?.on('message', (message: ToThread) => {
  if ('taken' in message) {
    waiting -= message.taken
    wake()
  } else last = last.then(() => read(message))
})

async function read({ task, settings, number }: Extract<ToThread, { task: unknown }>): Promise<void> {
  engine ??= createEngine(settings.kernelMemory)
  try {
    await readTask(task, settings, engine, signal, async (item) => {
      const [bytes, memory] = lent(item)
      waiting += bytes
      post({ number, item, bytes }, memory)
      while (waiting > WAITING_BYTES) await new Promise<void>((resolve) => (wake = resolve))
    })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    post({ number, item: { type: 'failed', failure: inWords(error) }, bytes: 0 }, [])
  }
}

function post(message: FromThread, memory: ArrayBuffer[]): void {
  parentPort?.postMessage(message, memory)
}

/** The bytes of an item, and the memory that can be handed over with it: what it does not share with others. */
function lent(item: TaskItem): [bytes: number, memory: ArrayBuffer[]] {
  const bytes =
    item.type === 'batch'
      ? item.member
      : item.type === 'letter'
        ? item.line
        : item.type === 'rows'
          ? item.bytes
          : undefined
  if (bytes === undefined) return [0, []]
  const whole = bytes.byteLength === bytes.buffer.byteLength
  return [bytes.byteLength, whole ? [bytes.buffer as ArrayBuffer] : []]
}
