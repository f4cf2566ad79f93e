/** Running `spoolSlice` in tests: text in, lines out. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ALL_TIME } from '../../src/core/time.ts'
import type { ExportCounts } from '../../src/lines/accounting.ts'
import type { DeadLetter } from '../../src/lines/dead-letter.ts'
import { openSpool } from '../../src/lines/spool-file.ts'
import { spoolSlice } from '../../src/lines/spool-slice.ts'
import type { SpoolSliceOptions } from '../../src/lines/spool-slice.ts'
import type { SpoolIndex } from '../../src/lines/spool.ts'

export interface Spooled {
  counts: ExportCounts
  letters: DeadLetter[]
  /** What zcat would print. */
  text: Buffer
  /** The spool file. */
  file: Buffer
  index: SpoolIndex
  members: Buffer[]
}

/** Cuts bytes at the given places, so that chunks end anywhere. */
export async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0
  for (const cut of [...cuts].filter((at) => at < bytes.length).sort((a, b) => a - b)) {
    yield bytes.subarray(start, cut)
    start = cut
  }
  yield bytes.subarray(start)
}

export const spoolDefaults = {
  slice: 'm/0_1',
  window: ALL_TIME,
  memory: 1 << 20,
  batch: { lines: 10_000, bytes: 10_000_000 },
  gzipLevel: 1,
} satisfies Partial<SpoolSliceOptions>

/** Spools `input` into a folder of its own, checks that nothing else is left there, and reads everything back. */
export async function spooled(
  input: string | Uint8Array | AsyncIterable<Uint8Array>,
  options: Partial<SpoolSliceOptions> = {},
): Promise<Spooled> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-'))
  const letters: DeadLetter[] = []
  try {
    const path = join(folder, 'slice.gz')
    const chunks =
      typeof input === 'string' || input instanceof Uint8Array ? chunked(Buffer.from(input), []) : input
    const counts = await spoolSlice(chunks, {
      ...spoolDefaults,
      path,
      workDir: join(folder, 'runs'),
      deadLetters: { add: (letter) => letters.push(letter), flush: async () => undefined },
      signal: new AbortController().signal,
      onProgress: () => undefined,
      ...options,
    })
    const left = (await readdir(folder)).sort()
    if (left.join() !== 'slice.gz,slice.gz.index.json') throw new Error(`left behind: ${left.join()}`)
    const spool = await openSpool(path)
    const members: Buffer[] = []
    for (let i = 0; i < spool.index.batches.length; i++) members.push(gunzipSync(await spool.read(i)))
    await spool.close()
    const file = await readFile(path)
    const text = file.length === 0 ? Buffer.alloc(0) : gunzipSync(file)
    return { counts, letters, text, file, index: spool.index, members }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The lines of the spool. */
export async function linesOf(input: string | Uint8Array, options?: Partial<SpoolSliceOptions>) {
  return (await spooled(input, options)).text.toString('utf8')
}
