/**
 * What a WAL's replay holds, in memory of its own: decoded entries, and the points of one key at a time. It is WebAssembly
 * (assembly/wal.ts); let go of it, and the memory is free again.
 */
import { Failure } from '../core/failure.ts'
import type { BlockType } from './kernel.ts'
import { walModule } from './wal.generated.ts'

/** How the decoding of a snappy block ended: with all of it; with a part, sound up to there; or it is no snappy block. */
export type SnappyEnd = 'whole' | 'cut' | 'corrupt'

export interface RunBlock {
  minTime: bigint
  maxTime: bigint
  bytes: Buffer
}

export interface WalMemory {
  /** Bytes of the entries that are kept. */
  readonly keptBytes: number
  /** Decodes a snappy block that announces `length` bytes. `data` is valid until the next call, `address` as long as it is kept. */
  unpack(input: Uint8Array, length: number): { end: SnappyEnd; data: Buffer; address: number }
  /** What was unpacked last stays until `clear`. */
  keep(length: number): void
  clear(): void
  /** Begins with a key. */
  begin(type: BlockType): void
  /** Adds `count` points that lie at an address, in the WAL's encoding. */
  add(address: number, count: number): void
  /** Takes away what has come so far within `[min, max]`, and returns how many points that were. */
  remove(min: bigint, max: bigint): number
  /** Takes away what is not within `[min, max]`. */
  limit(min: bigint, max: bigint): number
  /** Puts the points in order of time, each time once, the last one; tells how many are left, and how many are not. */
  sort(): { points: number; overwritten: number }
  /** The sorted points in blocks (src/source/tsm/wal-run.ts), whose bytes are valid until the next call. */
  blocks(mostPoints: number, mostBytes: number): RunBlock[]
}

interface Exports {
  memory: { readonly buffer: ArrayBuffer }
  room(bytes: number): number
  unpack(from: number, end: number, length: number): number
  keep(length: number): void
  clear(): void
  keptBytes(): number
  begin(type: number): void
  add(address: number, count: number): number
  remove(min: bigint, max: bigint): number
  limit(min: bigint, max: bigint): number
  sort(): number
  replaced(): number
  blockPoints(first: number, mostPoints: number, mostBytes: number): number
  block(first: number, count: number): number
  blockSize(start: number): number
}

/** Node.js has it; the types of its version 20 do not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

const ENDS = ['whole', 'cut', 'corrupt'] as const
const BLOCK_HEADER = 8
const SLACK = 64

let compiled: object | undefined

/** @throws Failure `kernel/out-of-memory` from its methods: a single entry, or the points of one key, have gigabytes */
export function createWalMemory(): WalMemory {
  compiled ??= new WebAssembly.Module(Buffer.from(walModule, 'base64'))
  const wasm = new WebAssembly.Instance(compiled).exports as Exports
  const bytesAt = (address: number, length: number) => Buffer.from(wasm.memory.buffer, address, length)
  let left = 0
  return {
    get keptBytes() {
      return wasm.keptBytes()
    },
    unpack(input, length) {
      const address = allocated(wasm.room(length + SLACK + input.length))
      const from = address + length + SLACK
      bytesAt(from, input.length).set(input)
      const end = ENDS[wasm.unpack(from, from + input.length, length)] ?? 'corrupt'
      return { end, data: bytesAt(address, length), address }
    },
    keep: (length) => wasm.keep(length),
    clear: () => wasm.clear(),
    begin: (type) => wasm.begin(type),
    add: (address, count) => void allocated(wasm.add(address, count)),
    remove: (min, max) => wasm.remove(min, max) >>> 0,
    limit: (min, max) => wasm.limit(min, max) >>> 0,
    sort() {
      left = wasm.sort()
      allocated(left + 1)
      return { points: left, overwritten: wasm.replaced() >>> 0 }
    },
    blocks(mostPoints, mostBytes) {
      const places: [start: number, size: number, count: number][] = []
      for (let first = 0, count = 0; first < left; first += count) {
        count = wasm.blockPoints(first, mostPoints, mostBytes)
        const start = allocated(wasm.block(first, count))
        places.push([start, wasm.blockSize(start) >>> 0, count])
      }
      // The memory is another one when it has grown.
      return places.map(([start, size, count]) => {
        const bytes = bytesAt(start, size)
        const last = BLOCK_HEADER + (count - 1) * 8
        return { minTime: bytes.readBigInt64LE(BLOCK_HEADER), maxTime: bytes.readBigInt64LE(last), bytes }
      })
    },
  }
}

function allocated(address: number): number {
  if (address !== 0) return address >>> 0
  throw new Failure('kernel/out-of-memory', 'The WAL needs more than 4 GB of memory at once.', {
    remedy: 'Have influxd turn it into TSM files: start it on a copy, and stop it.',
  })
}
