// A thread that reads tasks and throws the rows away: what src/run/export-thread.ts does, without batches.
import { parentPort } from 'node:worker_threads'
import { createKernel } from '../dist/kernel/kernel.js'
import { SeriesReader } from '../dist/source/tsm/series-reader.js'
import { seriesOf } from '../dist/source/tsm/series-task.js'

const { signal } = new AbortController()
let kernel
let last = Promise.resolve()
parentPort.on('message', (message) => {
  if ('task' in message) last = last.then(() => read(message))
})

async function read({ task, settings, number }) {
  const { window, kernelMemory: memory } = settings
  kernel ??= createKernel({ maximumBytes: memory })
  const reader = new SeriesReader({ kernel, memory, window, signal, onDamage: undefined })
  const room = { rows: 10_000, bytes: 10_000_000 }
  const sums = { lines: 0, points: 0, rawBytes: 0 }
  const sink = {
    room: async () => room,
    append: async ({ bytes, rows, points }) => {
      sums.lines += rows
      sums.points += points
      sums.rawBytes += bytes.length
    },
  }
  const total = {}
  for (const { series } of seriesOf(task)) {
    const counts = await reader.read(series, sink, (refusal) => {
      throw new Error(refusal.reason)
    })
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count
  }
  const post = (item) => parentPort.postMessage({ number, item, bytes: 0 })
  post({ type: 'batch', member: new Uint8Array(0), sums })
  post({ type: 'done', counts: total, refused: 0, dropped: 0, figures: [] })
}
