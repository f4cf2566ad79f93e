/**
 * Adds up figures of fields (src/lines/figures.ts says which) in WebAssembly (assembly/figures.ts): points one by one, or
 * figures that were added up elsewhere. Figures are known by number, which is whatever field and type the caller means.
 */
import { Failure } from '../core/failure.ts'
import { figuresModule } from './figures.generated.ts'
import { BlockType, FIGURES_BYTES } from './kernel.ts'

export interface RawFigures {
  count: number
  first: bigint
  last: bigint
  /** Bits. */
  min: bigint
  max: bigint
  sum: bigint
  absolute: number
  hash: bigint
}

export interface FigureMemory {
  addSlot(type: BlockType): number
  /** The series of the points that are added next: its key in v3 escaping. */
  begin(series: Uint8Array): void
  /** `bits` of a float or an integer, 0n or 1n. */
  add(slot: number, time: bigint, bits: bigint): void
  addString(slot: number, time: bigint, value: Uint8Array): void
  /** A value as line protocol has it, `bytes[start, end)`: a number with what marks its type, a boolean, a string in quotes. */
  addText(slot: number, seconds: number, nanos: number, bytes: Buffer, start: number, end: number): void
  merge(slot: number, figures: Uint8Array): void
  read(slot: number): RawFigures
  /** {@link FIGURES_BYTES} of them: a copy. */
  bytesOf(slot: number): Uint8Array
}

interface Exports {
  memory: { readonly buffer: ArrayBuffer }
  inputAt(size: number): number
  addSlot(type: number): number
  figuresAt(slot: number): number
  beginSeries(size: number): void
  add(slot: number, time: bigint, bits: bigint): void
  addFloat(slot: number, seconds: number, nanos: number, value: number): void
  addText(slot: number, seconds: number, nanos: number, size: number): void
  addString(slot: number, time: bigint, size: number): void
  addStringAt(slot: number, seconds: number, nanos: number, size: number): void
  merge(slot: number): void
}

/** Node.js has it; the types of its version 20 do not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

let compiled: object | undefined

export function createFigureMemory(): FigureMemory {
  compiled ??= new WebAssembly.Module(Buffer.from(figuresModule, 'base64'))
  const wasm = new WebAssembly.Instance(compiled).exports as Exports
  const types: BlockType[] = []
  let input = new Uint8Array(0)

  /** Room for so many bytes. */
  function inputOf(size: number): Uint8Array {
    if (input.length < size || input.buffer !== wasm.memory.buffer) {
      const address = wasm.inputAt(size) >>> 0
      if (address === 0) throw outOfMemory()
      input = new Uint8Array(wasm.memory.buffer, address, Math.max(size, 4096))
    }
    return input
  }
  function put(bytes: Uint8Array): number {
    inputOf(bytes.length).set(bytes)
    return bytes.length
  }
  /** Without quotes and escapes. */
  function putString(bytes: Buffer, start: number, end: number): number {
    const target = inputOf(end - start)
    let size = 0
    for (let at = start + 1; at < end - 1; at++) {
      let byte = bytes[at] as number
      const next = bytes[at + 1]
      if (byte === BACKSLASH && at + 1 < end - 1 && (next === QUOTE || next === BACKSLASH)) {
        byte = next
        at += 1
      }
      target[size++] = byte
    }
    return size
  }
  const view = (slot: number) => new DataView(wasm.memory.buffer, wasm.figuresAt(slot) >>> 0, FIGURES_BYTES)

  return {
    addSlot(type) {
      const slot = wasm.addSlot(type)
      if (slot < 0) throw outOfMemory()
      types[slot] = type
      return slot
    },
    begin: (series) => wasm.beginSeries(put(series)),
    add: (slot, time, bits) => wasm.add(slot, time, bits),
    addString: (slot, time, value) => wasm.addString(slot, time, put(value)),
    addText(slot, seconds, nanos, bytes, start, end) {
      const type = types[slot]
      if (type === BlockType.float)
        return wasm.addFloat(slot, seconds, nanos, Number(bytes.toString('latin1', start, end)))
      if (type === BlockType.string)
        return wasm.addStringAt(slot, seconds, nanos, putString(bytes, start, end))
      const size = end - start - (type === BlockType.boolean ? 0 : 1)
      put(bytes.subarray(start, start + size))
      wasm.addText(slot, seconds, nanos, size)
    },
    merge(slot, figures) {
      put(figures)
      wasm.merge(slot)
    },
    read(slot) {
      const figures = view(slot)
      return {
        count: Number(figures.getBigUint64(0, true)),
        first: figures.getBigInt64(8, true),
        last: figures.getBigInt64(16, true),
        min: figures.getBigInt64(24, true),
        max: figures.getBigInt64(32, true),
        sum: figures.getBigInt64(40, true),
        absolute: figures.getFloat64(48, true),
        hash: figures.getBigUint64(56, true),
      }
    },
    bytesOf: (slot) => new Uint8Array(wasm.memory.buffer, wasm.figuresAt(slot) >>> 0, FIGURES_BYTES).slice(),
  }
}

function outOfMemory(): Failure {
  return new Failure('kernel/out-of-memory', 'the figures of so many fields need more than 4 GB of memory', {
    remedy: 'Please report this, with how many measurements and fields there are.',
  })
}
