/** Columns into a kernel, rows out of it. */
import {
  createKernel,
  type BlockError,
  type BlockType,
  type Cast,
  type Counters,
  type Kernel,
  type Limits,
  type Refusal,
} from '../../src/kernel/kernel.ts'
import type { OracleColumn, OracleSource } from './tsm-oracle.ts'
import type { Value } from './tsm-slow-blocks.ts'
import { encodeBlock, encodeWalBlock, type BlockShape } from './tsm-encode.ts'

export interface KernelRun {
  bytes: Buffer
  batches: { bytes: Buffer; rows: number; points: number }[]
  counters: Counters
  errors: BlockError[]
  refusals: Refusal[]
}

/** A block as bytes, with what an index would say of it. */
export interface RawBlock {
  bytes: Buffer
  minTime: bigint
  maxTime: bigint
}

export const NO_LIMITS: Limits = { rows: 10_000, bytes: 1 << 20, atLeastOne: true }

/** The shape of each block, by the column's, source's and block's number. */
export type Shapes = (column: number, source: number, block: number) => BlockShape

const kernel = createKernel()

export function runColumns(
  series: string,
  columns: readonly OracleColumn[],
  window: { start: bigint; end: bigint },
  shapes: Shapes,
  limits: Limits = NO_LIMITS,
): KernelRun {
  kernel.beginSeries(Buffer.from(series), window)
  columns.forEach(({ field, sources }, column) => {
    kernel.addColumn(Buffer.from(field))
    sources.forEach((source, number) => {
      addSource(kernel, column, source, (block) => shapes(column, number, block))
    })
  })
  return takeAll(kernel, limits)
}

function addSource(
  to: Kernel,
  column: number,
  { kind, type, blocks, deleted }: OracleSource,
  shape: (block: number) => BlockShape,
): void {
  const ranges = apart(deleted)
  const raw = blocks.map(({ times, values }, block) => ({
    bytes:
      kind === 'wal' ? encodeWalBlock(type, times, values) : encodeBlock(type, times, values, shape(block)),
    minTime: times[0] ?? 0n,
    maxTime: times.at(-1) ?? 0n,
  }))
  addRaw(to, column, type, raw, kind, ranges)
}

/** Adds blocks that lie one after another in a file. */
export function addRaw(
  to: Kernel,
  column: number,
  type: number,
  blocks: readonly RawBlock[],
  encoding: 'tsm' | 'wal' = 'tsm',
  deleted: BigInt64Array = new BigInt64Array(0),
  cast?: Cast,
): void {
  const start = 5
  const bytes = Buffer.concat(blocks.map((block) => block.bytes))
  const region = to.reserve(bytes.length)
  region.bytes.set(bytes)
  const offsets = new Float64Array(blocks.length)
  let offset = start
  blocks.forEach((block, i) => {
    offsets[i] = offset
    offset += block.bytes.length
  })
  const times = BigInt64Array.from(blocks.flatMap(({ minTime, maxTime }) => [minTime, maxTime]))
  to.addBlocks(column, {
    encoding,
    type: type as BlockType,
    blocks: {
      words: new Int32Array(times.buffer),
      offsets,
      sizes: Uint32Array.from(blocks, (block) => block.bytes.length),
    },
    first: 0,
    count: blocks.length,
    region,
    regionOffset: start,
    deleted,
    cast,
  })
}

/** Values of the field f of the series m at the times 0, 1, ..., and what they become. */
export function castKernel(type: number, values: readonly Value[], cast: Cast): KernelRun {
  const times = values.map((_, time) => BigInt(time))
  const bytes = encodeBlock(type, times, [...values])
  kernel.beginSeries(Buffer.from('m'), { start: 0n, end: 1n << 62n })
  kernel.addColumn(Buffer.from('f'))
  const block = { bytes, minTime: 0n, maxTime: times.at(-1) ?? 0n }
  addRaw(kernel, 0, type, [block], 'tsm', undefined, cast)
  return takeAll(kernel, NO_LIMITS)
}

/** All that is left in the series begun, in batches. */
export function takeAll(from: Kernel, limits: Limits): KernelRun {
  const run: KernelRun = {
    bytes: Buffer.alloc(0),
    batches: [],
    counters: from.counters(),
    errors: [],
    refusals: [],
  }
  for (;;) {
    const { bytes, rows, points, state } = from.next(limits)
    run.batches.push({ bytes: Buffer.from(bytes), rows, points })
    run.errors.push(...from.takeErrors())
    run.refusals.push(...from.takeRefusals())
    if (state === 'done') break
  }
  run.bytes = Buffer.concat(run.batches.map((batch) => batch.bytes))
  run.counters = from.counters()
  return run
}

/** Ranges sorted, those that overlap or touch made one. */
function apart(ranges: readonly [bigint, bigint][]): BigInt64Array {
  const merged: [bigint, bigint][] = []
  for (const [min, max] of [...ranges].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    const last = merged.at(-1)
    if (last === undefined || min > last[1] + 1n) merged.push([min, max])
    else if (max > last[1]) last[1] = max
  }
  return BigInt64Array.from(merged.flat())
}
