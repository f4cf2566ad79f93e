// Preloaded into a run (NODE_OPTIONS=--import): what a machine does to it. By environment variables:
//   HURT_CLOCK_AFTER, HURT_CLOCK_BY   after so many milliseconds the clock is put forward (or back) by so many
//   HURT_READS                        milliseconds that a read of a file takes, every few reads
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { HURT_CLOCK_AFTER, HURT_CLOCK_BY, HURT_READS } = process.env

if (HURT_CLOCK_BY !== undefined) {
  const { now } = Date
  const started = performance.now()
  Date.now = () =>
    now() + (performance.now() - started > Number(HURT_CLOCK_AFTER) ? Number(HURT_CLOCK_BY) : 0)
}

if (HURT_READS !== undefined) {
  const SLOW_ONE_IN = 4
  const word = new Int32Array(new SharedArrayBuffer(4))
  let reads = 0
  const isSlow = () => (reads += 1) % SLOW_ONE_IN === 0
  const { readSync, read } = fs
  fs.readSync = (...args) => {
    if (isSlow()) Atomics.wait(word, 0, 0, Number(HURT_READS))
    return readSync(...args)
  }
  fs.read = (...args) => {
    if (isSlow()) setTimeout(() => read(...args), Number(HURT_READS))
    else read(...args)
  }
  syncBuiltinESMExports()
}
