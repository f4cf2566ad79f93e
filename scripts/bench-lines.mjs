// How fast a slice is spooled, and in how much memory: node scripts/bench-lines.mjs [values in millions] [memory MB]
// [shape: inspect | overlap | wide | strings]. The input is generated in the process, as influx_inspect orders it:
// series key and field by field, ten float fields, a hundred series, a point a second. Needs `npm run build`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [millions = '2', memory = '256', shape = 'inspect', dist = '../dist'] = process.argv.slice(2)
const { spoolSlice } = await import(`${dist}/lines/spool-slice.js`)
const SERIES = 100
const FIELDS = ['guest', 'guest_nice', 'idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user']
const values = Number(millions) * 1e6
const perColumn = Math.ceil(values / SERIES / FIELDS.length)
const START = 1_600_000_000

/** A repeating stretch of values, so that generating costs little beside what is measured. */
const floats = Array.from({ length: 4093 }, (_, i) => String(((i * 7919) % 100_003) / 1000))

function* lines() {
  let serial = 0
  const series = (n) =>
    `cpu,cpu=cpu-total,datacenter=eu-central-1a,host=host_${n},hostname=production-${n}.example.com,os=Ubuntu16.04LTS,rack=${n % 20},region=eu-central-1,service=6,team=NYC`
  const value = () =>
    shape === 'strings' ? `"state ${floats[serial++ % 4093]} \\"quoted\\" text"` : floats[serial++ % 4093]
  if (shape === 'wide') {
    // A file somebody wrote: all fields on a line, all series at one time after another.
    for (let t = 0; t < perColumn; t++) {
      for (let n = 0; n < SERIES; n++) {
        yield `${series(n)} ${FIELDS.map((f) => `usage_${f}=${value()}`).join(',')} ${START + t}000000000\n`
      }
    }
    return
  }
  // Two files whose times overlap by a tenth, when asked.
  const files =
    shape === 'overlap'
      ? [
          [0, 0.55],
          [0.45, 1],
        ]
      : [[0, 1]]
  for (const [from, to] of files) {
    for (let n = 0; n < SERIES; n++) {
      for (const field of FIELDS) {
        const prefix = `${series(n)} usage_${field}=`
        for (let t = Math.floor(from * perColumn); t < to * perColumn; t++) {
          yield `${prefix}${value()} ${START + t}000000000\n`
        }
      }
    }
  }
}

let generating = 0
let generatingCpu = 0
const cpu = () => process.cpuUsage().user / 1e3
async function* chunks() {
  let text = ''
  let started = performance.now()
  let startedCpu = cpu()
  for (const line of lines()) {
    text += line
    if (text.length < 65_536) continue
    const chunk = Buffer.from(text, 'latin1')
    text = ''
    generating += performance.now() - started
    generatingCpu += cpu() - startedCpu
    yield chunk
    started = performance.now()
    startedCpu = cpu()
  }
  yield Buffer.from(text)
}

const folder = mkdtempSync(join(tmpdir(), 'bench-lines-'))
let bytes = 0
const started = performance.now()
let parsed = 0
let parsedCpu = 0
const startedCpu = cpu()
try {
  const counts = await spoolSlice(chunks(), {
    slice: 'bench/0_1',
    window: { start: -(2n ** 63n), end: 2n ** 63n },
    memory: Number(memory) * 1e6,
    batch: { lines: 10_000, bytes: 10_000_000 },
    gzipLevel: 1,
    path: join(folder, 'slice.gz'),
    workDir: join(folder, 'runs'),
    deadLetters: { add() {}, async flush() {} },
    signal: new AbortController().signal,
    onProgress(read) {
      bytes = read
      parsed = performance.now()
      parsedCpu = cpu()
    },
  })
  const ended = performance.now()
  const mbs = (ms) => `${(bytes / 1e3 / ms).toFixed(0)} MB/s`
  const parse = parsed - started - generating
  const total = ended - started - generating
  console.log(
    `${counts.pointsRead} values, ${(bytes / 1e6).toFixed(0)} MB in, ${counts.rows} rows, ${(counts.rawBytes / 1e6).toFixed(0)} MB raw, ${(counts.gzipBytes / 1e6).toFixed(0)} MB gzip`,
  )
  console.log(
    `parse (with spills) ${(parse / 1e3).toFixed(1)} s, ${mbs(parse)}; in all ${(total / 1e3).toFixed(1)} s, ${mbs(total)}; generating the input took ${(generating / 1e3).toFixed(1)} s more`,
  )
  const cpuIn = parsedCpu - startedCpu - generatingCpu
  const cpuAll = cpu() - startedCpu - generatingCpu
  console.log(
    `CPU of it, all threads: parse ${(cpuIn / 1e3).toFixed(1)} s, ${mbs(cpuIn)}; in all ${(cpuAll / 1e3).toFixed(1)} s, ${mbs(cpuAll)}`,
  )
  console.log(`peak RSS ${(process.resourceUsage().maxRSS / 1e3).toFixed(0)} MB`)
} finally {
  rmSync(folder, { recursive: true })
}
