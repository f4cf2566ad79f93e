// (a) and (b) of npm run bench: influx-ferry's own reader against influx_inspect, on the same files, one after the other:
// (a) reading alone: rows made and thrown away, against `influx_inspect export -out /dev/null`;
// (b) with gzip: batches gzipped and on disk, against `influx_inspect export -compress`.
// Wall clock and CPU seconds (user and system, of all threads), each a whole process from its start to its end.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundledReader } from './bundle-reader.mjs'
import { median, table } from './measure.mjs'

/** @returns the table as text. `say` is told each result. */
export async function compareReaders({ influxInspect, dirs, database, rounds, say }) {
  const rows = []
  const reader = await bundledReader()
  for (const [what, own, theirs] of [
    ['reading alone', ['alone'], ['-out', '/dev/null']],
    ['with gzip', ['gzip'], ['-compress', '-out']],
  ]) {
    const figures = { influx_inspect: [], 'influx-ferry': [] }
    for (let round = 1; round <= rounds; round += 1) {
      const work = mkdtempSync(join(tmpdir(), 'bench-'))
      try {
        const out = what === 'with gzip' ? [join(work, 'export.lp.gz')] : []
        const inspect = [influxInspect, 'export', '-datadir', dirs.data, '-waldir', dirs.wal]
        const ways = {
          influx_inspect: [...inspect, '-database', database, '-retention', 'autogen', ...theirs, ...out],
          'influx-ferry': [process.execPath, reader, ...own, dirs.data, dirs.wal, database, 'autogen', work],
        }
        for (const [name, command] of Object.entries(ways)) {
          const figure = await timed(command)
          figures[name].push(figure)
          say(`round ${round}, ${what}, ${name}: ${show(figure)}`)
        }
      } finally {
        rmSync(work, { recursive: true, force: true })
      }
    }
    const [slow, fast] = Object.values(figures).map((all) => ({
      seconds: median(all.map(({ seconds }) => seconds)),
      cpu: median(all.map(({ cpu }) => cpu)),
    }))
    rows.push([
      ...[what, show(slow), show(fast)],
      ...[(slow.seconds / fast.seconds).toFixed(1), (slow.cpu / fast.cpu).toFixed(1)],
    ])
  }
  return table(['', 'influx_inspect', 'influx-ferry', 'times faster, wall clock', 'CPU'], rows)
}

/** bash tells what a process and its threads took, Node.js does not. */
async function timed(command) {
  const child = spawn(
    'bash',
    ['-c', 'TIMEFORMAT="%R %U %S"; { time "$@" >/dev/null 2>&3; } 3>/dev/null', 'bash', ...command],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (some) => (text += some))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`)
  const [seconds, user, system] = text.trim().split(/\s+/).slice(-3).map(Number)
  return { seconds, cpu: user + system }
}

function show({ seconds, cpu }) {
  return `${seconds.toFixed(1)} s (CPU ${cpu.toFixed(1)} s)`
}
