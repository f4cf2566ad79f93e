/**
 * The hot path of the TSM reader: blocks of one series in, rows of v3 line protocol out. It is WebAssembly
 * (src/kernel/assembly/); here is what the rest of influx-ferry sees of it. One kernel does one series and window at a
 * time, synchronously; every worker thread has its own.
 *
 * Memory, beside what `reserve` asked for and the output: sixteen bytes a decoded value of one block a source, at most
 * doubled by rounding, plus the bytes of its strings. WebAssembly never gives memory back: a kernel stays as large as
 * its largest window made it.
 */
import { Failure } from '../core/failure.ts'
import { kernelModule } from './kernel.generated.ts'

/** TSM's numbers for the types of blocks. */
export const BlockType = { float: 0, integer: 1, boolean: 2, string: 3, unsigned: 4 } as const
export type BlockType = (typeof BlockType)[keyof typeof BlockType]

/** In the order of src/kernel/assembly/codes.ts, after 0. */
const errorCodes = [
  'bad-crc',
  'truncated',
  'bad-encoding',
  'count-mismatch',
  'time-order',
  'type-mismatch',
  'index-mismatch',
  'too-large',
  'bad-time',
] as const
const refusalReasons = ['not-finite', 'invalid-utf8', 'too-long', 'cast'] as const

/**
 * What values become, by the numbers of src/kernel/assembly/codes.ts. `nothing`: they are in no row, and counted as refused
 * without being told. `as-it-is`: as 1.x has them, also where v3 has no way to write them.
 */
const casts = ['', 'float', 'integer', 'boolean', 'string', 'unsigned', 'nothing', 'as-it-is'] as const
export type Cast = Exclude<(typeof casts)[number], ''>

/** Bytes in the kernel's memory. `bytes` is a view that no longer works after any other call to the kernel. */
export interface Region {
  readonly address: number
  readonly size: number
  readonly bytes: Uint8Array
}

/** Blocks as indexes describe them, in columns (src/source/tsm/block-table.ts is one). */
export interface BlockColumns {
  /** The first and last time of block i: four words from 4i on, as a BigInt64Array of them has them in memory. */
  readonly words: Int32Array
  /** Where in its store the block starts. */
  readonly offsets: Float64Array
  /** Its length, with all that belongs to it (of TSM, the CRC). */
  readonly sizes: Uint32Array
}

/** Blocks of one field from one TSM file, or from one sorted run of a WAL (src/source/tsm/wal-run.ts). */
export interface BlockSource {
  encoding: 'tsm' | 'wal'
  type: BlockType
  /** The blocks: `count` rows from `first` on, in order of time. */
  blocks: BlockColumns
  first: number
  count: number
  /** Where their bytes are, and what offset in their store the first byte of that has. */
  region: Region
  regionOffset: number
  /** What its values become; of its own type, and by default: what they are. Strings become nothing else. */
  cast?: Cast | undefined
  /** A number that refusals of its values tell again: which of several fields that are one column it is of. Default: 0. */
  part?: number
  /** Times deleted of these points: `[min, max, min, max, ...]`, both ends inclusive, in order and apart. */
  deleted: BigInt64Array
}

const encodings = { tsm: 0, wal: 1 } as const

export interface Limits {
  rows: number
  bytes: number
  /** Whether a first row that alone is longer than `bytes` is written nevertheless: true for an empty batch. */
  atLeastOne: boolean
}

export interface Rows {
  /** Whole rows. A view that no longer works after any other call to the kernel. */
  readonly bytes: Uint8Array
  readonly rows: number
  readonly points: number
  /**
   * `done`: these were the window's last rows. `full`: another row would pass a limit. `report`: errors or refusals are
   * waiting to be taken; then it goes on, without the damaged blocks.
   */
  readonly state: 'done' | 'full' | 'report'
}

/**
 * The points of a series and window so far. Once it is done,
 * decoded = before + after + deleted + overwritten + refused + points.
 */
export interface Counters {
  decoded: number
  /** Outside the window: earlier, and later. */
  before: number
  after: number
  /** By the deleted ranges of their source, whether or not a younger source has the same time. */
  deleted: number
  /** By a younger source, or a later point of the same one, at the same time. */
  overwritten: number
  refused: number
  /** In the rows, and the rows. */
  points: number
  rows: number
  /** Of the points in the rows, strings that most clusters refuse (src/lines/long-strings.ts). */
  longStrings: number
}

/** A damaged block; none of its points were used. */
export interface BlockError {
  code: (typeof errorCodes)[number]
  column: number
  source: number
  block: number
}

/** A value that no row of v3 line protocol can have. */
export interface Refusal {
  column: number
  part: number
  time: bigint
  reason: (typeof refusalReasons)[number]
  type: BlockType
  /** The float, the bytes of the string, the integer, ... */
  value: number | Uint8Array | bigint | boolean
}

export interface Kernel {
  /** Starts a series, given as v3 line protocol has it (`measurement,tag=value`), and a window `[start, end)`. Lets go of the one before. */
  beginSeries(series: Uint8Array, window: { start: bigint; end: bigint }): void
  /** Room for bytes of this series and window: to read blocks into, from one place in a file. */
  reserve(size: number): Region
  /** Adds a field, given as v3 line protocol has it. Columns are numbered from 0, which is their order in the rows. */
  addColumn(field: Uint8Array): number
  /** Adds a source, younger than the column's others. */
  addBlocks(column: number, source: BlockSource): void
  /** The next rows. Nothing may be added to the series after the first call. */
  next(limits: Limits): Rows
  counters(): Counters
  /** Tells the figures of a column's points that are in rows, by type: {@link FIGURES_BYTES} each, which figures.ts merges. */
  figures(column: number, tell: (type: BlockType, bytes: Uint8Array) => void): void
  /** What `state: 'report'` tells of, each once. */
  takeErrors(): BlockError[]
  takeRefusals(): Refusal[]
  /** How many bytes of memory the kernel holds. */
  memoryBytes(): number
}

/** Node.js has it; the types of its version 20 do not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

interface Exports {
  memory: { readonly buffer: ArrayBuffer }
  prepare(mostBytes: number): void
  begin(size: number, start: bigint, end: bigint): number
  reserve(size: number): number
  addColumn(size: number): number
  keyOf(column: number): number
  addSource(
    column: number,
    encoding: number,
    rowType: number,
    from: number,
    entries: number,
    deleted: number,
    deletedRanges: number,
  ): number
  next(mostRows: number, mostBytes: number, atLeastOne: number): number
  rowsAddress(): number
  rowsSize(): number
  rowsCount(): number
  rowsPoints(): number
  counters(): number
  firstError(): number
  clearErrors(): void
  refusals(): number
  refusalsSize(): number
  clearRefusals(): void
  figuresOf(column: number): number
}

/** Bytes of a field's figures (assembly/figures.ts): what figures.ts takes and {@link Kernel.figures} gives. */
export const FIGURES_BYTES = 72

/** The bytes of one block entry (assembly/block.ts). */
const ENTRY = 48
const LAST_END = 2n ** 63n - 1n
const COMMA = 0x2c
const EQUALS = 0x3d
const states = ['done', 'full', 'report'] as const

let compiled: object | undefined

/** @param maximumBytes how far the kernel's memory may grow; a window that needs more fails with `kernel/out-of-memory`. */
export function createKernel({ maximumBytes = 2 ** 32 }: { maximumBytes?: number } = {}): Kernel {
  compiled ??= new WebAssembly.Module(Buffer.from(kernelModule, 'base64'))
  const wasm = new WebAssembly.Instance(compiled).exports as Exports
  wasm.prepare(maximumBytes)
  const columns: number[] = []
  let view = new DataView(wasm.memory.buffer)

  /** Views are gone when the memory has grown. */
  function memory(): DataView {
    if (view.buffer !== wasm.memory.buffer) view = new DataView(wasm.memory.buffer)
    return view
  }
  function bytesAt(address: number, size: number): Uint8Array {
    return new Uint8Array(wasm.memory.buffer, address, size)
  }
  function allocated(address: number): number {
    if (address !== 0) return address >>> 0
    throw new Failure('kernel/out-of-memory', 'A series needs more memory at once than is allowed.', {
      remedy: 'Allow more in spool.memory.',
    })
  }
  function columnAt(column: number): number {
    const address = columns[column]
    if (address === undefined) throw new RangeError(`no column ${column}`)
    return address
  }
  function place(ranges: BigInt64Array): number {
    if (ranges.length === 0) return 0
    const address = allocated(wasm.reserve(ranges.byteLength))
    new BigInt64Array(wasm.memory.buffer, address, ranges.length).set(ranges)
    return address
  }

  return {
    beginSeries(series, { start, end }) {
      columns.length = 0
      // Of the largest int64 there are no points ('bad-time'), so that a window up to 2^63 can end before it.
      const last = end > LAST_END ? LAST_END : end
      bytesAt(allocated(wasm.begin(series.length, start, last)), series.length).set(series)
    },
    reserve(size) {
      const address = allocated(wasm.reserve(size))
      return { address, size, bytes: bytesAt(address, size) }
    },
    addColumn(field) {
      const size = field.length + 2
      const column = allocated(wasm.addColumn(size))
      const key = bytesAt(wasm.keyOf(column) >>> 0, size)
      key[0] = COMMA
      key.set(field, 1)
      key[size - 1] = EQUALS
      return columns.push(column) - 1
    },
    addBlocks(column, source) {
      const { encoding, type, blocks, first, count, region, regionOffset, deleted, cast, part = 0 } = source
      const from = allocated(wasm.reserve(count * ENTRY))
      const words = new Int32Array(wasm.memory.buffer, from, (count * ENTRY) / 4)
      for (let row = first, at = 0; row < first + count; row++, at += ENTRY / 4) {
        const offset = (blocks.offsets[row] ?? NaN) - regionOffset
        const size = blocks.sizes[row] ?? NaN
        if (!(offset >= 0 && offset + size <= region.size)) {
          throw new RangeError(`block ${row} is not in its region`)
        }
        words[at] = region.address + offset
        words[at + 1] = size
        for (let word = 0; word < 4; word++) words[at + 2 + word] = blocks.words[4 * row + word] ?? 0
      }
      const ranges = place(deleted)
      const pairs = deleted.length / 2
      const rowType = (type | (castNumber(type, cast) << 3) | (part << 6)) >>> 0
      allocated(wasm.addSource(columnAt(column), encodings[encoding], rowType, from, count, ranges, pairs))
    },
    next({ rows, bytes, atLeastOne }) {
      const state =
        states[wasm.next(Math.min(rows, 0xffffffff), Math.min(bytes, 2 ** 30), Number(atLeastOne))]
      if (state === undefined) return allocated(0) as never
      return {
        bytes: bytesAt(wasm.rowsAddress() >>> 0, wasm.rowsSize() >>> 0),
        rows: wasm.rowsCount() >>> 0,
        points: wasm.rowsPoints() >>> 0,
        state,
      }
    },
    counters() {
      const table = memory()
      const at = wasm.counters()
      const counter = (i: number) => Number(table.getBigUint64(at + i * 8, true))
      return {
        decoded: counter(0),
        before: counter(1),
        after: counter(2),
        deleted: counter(3),
        overwritten: counter(4),
        refused: counter(5),
        points: counter(6),
        rows: counter(7),
        longStrings: counter(8),
      }
    },
    figures(column, tell) {
      const table = memory()
      for (let at = wasm.figuresOf(columnAt(column)) >>> 0; at !== 0; at = table.getUint32(at + 68, true))
        tell(table.getUint32(at + 64, true) as BlockType, bytesAt(at, FIGURES_BYTES))
    },
    takeErrors() {
      const errors: BlockError[] = []
      const entries = memory()
      for (let at = wasm.firstError() >>> 0; at !== 0; at = entries.getUint32(at + 40, true)) {
        errors.push({
          code: errorCodes[entries.getUint32(at + 24, true) - 1] ?? 'bad-encoding',
          column: entries.getUint32(at + 28, true),
          source: entries.getUint32(at + 32, true),
          block: entries.getUint32(at + 36, true),
        })
      }
      wasm.clearErrors()
      return errors
    },
    takeRefusals() {
      const refusals: Refusal[] = []
      const records = memory()
      let at = wasm.refusals() >>> 0
      const end = at + (wasm.refusalsSize() >>> 0)
      while (at < end) {
        const size = records.getUint32(at + 20, true)
        const typeAndPart = records.getUint32(at + 16, true)
        const type = (typeAndPart & 7) as BlockType
        refusals.push({
          column: records.getUint32(at, true),
          part: typeAndPart >>> 3,
          reason: refusalReasons[records.getUint32(at + 4, true)] ?? 'not-finite',
          time: records.getBigInt64(at + 8, true),
          type,
          value: type === BlockType.string ? bytesAt(at + 24, size).slice() : valueAt(records, at + 24, type),
        })
        at += 24 + Math.ceil(size / 8) * 8
      }
      wasm.clearRefusals()
      return refusals
    },
    memoryBytes: () => wasm.memory.buffer.byteLength,
  }
}

/** A type's own name is no cast. */
function castNumber(type: BlockType, cast: Cast | undefined): number {
  const number = casts.indexOf(cast ?? '')
  if (type === BlockType.string && number > 0 && number < 6 && cast !== 'string')
    throw new RangeError('the kernel does not read numbers in strings')
  return number === type + 1 ? 0 : number
}

function valueAt(records: DataView, at: number, type: BlockType): number | bigint | boolean {
  if (type === BlockType.float) return records.getFloat64(at, true)
  if (type === BlockType.boolean) return records.getBigUint64(at, true) === 1n
  return type === BlockType.integer ? records.getBigInt64(at, true) : records.getBigUint64(at, true)
}
