/** `exportTsm` in tests: files in, rows and points out. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ALL_TIME } from '../../src/core/time.ts'
import type { ExportCounts } from '../../src/lines/accounting.ts'
import type { DeadLetter } from '../../src/lines/dead-letter.ts'
import { openSpool } from '../../src/lines/spool-file.ts'
import { inlineTasks } from '../../src/run/export-threads.ts'
import { exportTsm, kernelMemory, type ExportTsmOptions } from '../../src/run/export-tsm.ts'
import { createEngine } from '../../src/run/read-task.ts'
import type { WalNote } from '../../src/source/tsm/wal-segment.ts'
import { canonicalKey, canonicalValue } from './points.ts'
import { parseV3, type V3Row } from './v3-line-protocol.ts'

export interface Exported {
  counts: ExportCounts
  letters: DeadLetter[]
  notes: WalNote[]
  /** What zcat would print. */
  text: Buffer
  batches: { lines: number; rawBytes: number; points: number }[]
}

/** Exports into a folder of its own, checks that nothing else is left there, and reads everything back. */
export async function exported(
  paths: readonly string[],
  options: Partial<ExportTsmOptions> = {},
): Promise<Exported> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-test-'))
  const letters: DeadLetter[] = []
  const notes: WalNote[] = []
  const memory = options.memory ?? 64e6
  try {
    const path = join(folder, 'slice.gz')
    const counts = await exportTsm({
      slice: 'm/0_1',
      paths,
      window: ALL_TIME,
      memory,
      tasks: inlineTasks(createEngine(kernelMemory(memory)), new AbortController().signal),
      skipDamage: false,
      batch: { lines: 10_000, bytes: 10_000_000 },
      gzipLevel: 1,
      path,
      workDir: join(folder, 'runs'),
      deadLetters: { add: (letter) => letters.push(letter), flush: async () => undefined },
      signal: new AbortController().signal,
      onNote: (note) => notes.push(note),
      onProgress: () => undefined,
      ...options,
    })
    const left = (await readdir(folder)).sort()
    if (left.join() !== 'slice.gz,slice.gz.index.json') throw new Error(`left behind: ${left.join()}`)
    const spool = await openSpool(path)
    const members: Buffer[] = []
    for (let i = 0; i < spool.index.batches.length; i++) members.push(gunzipSync(await spool.read(i)))
    await spool.close()
    return { counts, letters, notes, text: Buffer.concat(members), batches: spool.index.batches }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const TYPES = { f64: 'float', i64: 'integer', u64: 'unsigned', bool: 'boolean', string: 'string' }

/** Rows as `readBack` says them, sorted: one text a point. */
export function pointsOfRows(rows: readonly V3Row[]): string[] {
  return rows
    .flatMap(({ measurement, tags, fields, time }) =>
      fields.map(([field, typed]) => {
        const [, type = '', value = ''] = /^(\w+):([^]*)$/.exec(typed) ?? []
        const key = canonicalKey(measurement, Object.fromEntries(tags), field, time)
        return `${key} = ${canonicalValue(TYPES[type as keyof typeof TYPES], value)}`
      }),
    )
    .sort()
}

/** Points of ready rows; throws on what a cluster would refuse, and on a row that is there twice. */
export function pointsOf(text: Buffer): string[] {
  const rows = parseV3(text)
  const keys = new Set(rows.map(rowKey))
  if (keys.size !== rows.length) throw new Error('two rows have the same series and time')
  return pointsOfRows(rows)
}

function rowKey({ measurement, tags, time }: V3Row): string {
  return JSON.stringify([measurement, [...tags].sort(), String(time)])
}
