/** gzip for batches of rows, two to four times as fast as zlib at its fastest, since it knows what rows are like (assembly/deflate.ts). */
import { crc32 } from 'node:zlib'
import { deflateModule } from './deflate.generated.ts'

interface Exports {
  memory: { readonly buffer: ArrayBuffer }
  begin(size: number): number
  deflate(size: number): number
  result(): number
}

/** Node.js has it; the types of its version 20 do not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: unknown }
}

/** One batch after another, in memory of its own. */
export interface RowGzip {
  /** Where a batch of at most so many bytes is put; what was there before is lost. @throws RangeError when memory is out. */
  buffer(bytes: number): Buffer
  /** One gzip member of the first `size` bytes there. */
  compress(size: number): Uint8Array
}

/** RFC 1952: deflate, no time, no name, an unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
const TRAILER_BYTES = 8

let compiled: object | undefined

/** Memory is kept: what the longest batch has, and what it is compressed to. */
export function createRowGzip(): RowGzip {
  compiled ??= new WebAssembly.Module(Buffer.from(deflateModule, 'base64'))
  const wasm = new WebAssembly.Instance(compiled).exports as Exports
  let rows = Buffer.alloc(0)
  return {
    buffer(bytes) {
      const address = wasm.begin(bytes) >>> 0
      if (address === 0) throw new RangeError(`no memory for a batch of ${bytes} bytes`)
      return (rows = Buffer.from(wasm.memory.buffer, address, bytes))
    },
    compress(size) {
      const bytes = wasm.deflate(size) >>> 0
      const member = Buffer.allocUnsafeSlow(HEADER.length + bytes + TRAILER_BYTES)
      member.set(HEADER)
      member.set(new Uint8Array(wasm.memory.buffer, wasm.result() >>> 0, bytes), HEADER.length)
      const at = member.writeUInt32LE(crc32(rows.subarray(0, size)), HEADER.length + bytes)
      member.writeUInt32LE(size, at)
      return member
    },
  }
}
