/** One TSM file: header and footer checked, blocks read at their place, the index in key order, a piece at a time. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { BlockStore, SharedStore } from './block-store.ts'
import { damagedTsm, unreadableFile } from './damage.ts'
import { HEADER_BYTES, TsmIndex, type TsmIndexOptions } from './tsm-index.ts'

const MAGIC = 0x16d116d1
const VERSION = 1
const FOOTER_BYTES = 8

export class TsmFile implements BlockStore {
  readonly path: string
  readonly bytes: number
  /** Where the index starts, and where it ends (the footer begins). */
  readonly indexStart: number
  readonly indexEnd: number
  readonly #descriptor: number

  private constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
    this.bytes = fstatSync(descriptor).size
    if (this.bytes < HEADER_BYTES + FOOTER_BYTES + 1)
      throw damagedTsm({ path }, `a TSM file of ${this.bytes} bytes: it is cut`)
    const header = Buffer.alloc(HEADER_BYTES)
    this.read(header, 0)
    if (header.readUInt32BE() !== MAGIC)
      throw damagedTsm({ path, offset: 0 }, 'it does not begin as a TSM file does')
    if (header[4] !== VERSION)
      throw damagedTsm({ path, offset: 4 }, `TSM version ${header[4]} is not known (only ${VERSION} is)`)
    const footer = Buffer.alloc(FOOTER_BYTES)
    this.indexEnd = this.bytes - FOOTER_BYTES
    this.read(footer, this.indexEnd)
    this.indexStart = Number(footer.readBigUInt64BE())
    if (this.indexStart < HEADER_BYTES || this.indexStart >= this.indexEnd)
      throw damagedTsm(
        { path, offset: this.indexEnd },
        `the footer says that the index starts at byte ${this.indexStart}, outside of the file: it is cut or damaged`,
      )
  }

  /** Opens for reading only. @throws Failure `export/tsm-damaged`, `export/source-changed`, `export/unreadable-file` */
  static open(path: string): TsmFile {
    let descriptor: number
    try {
      descriptor = openSync(path, 'r')
    } catch (error) {
      throw unreadableFile(path, error)
    }
    try {
      return new TsmFile(path, descriptor)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  /** A reader of the index from its first key on. */
  index(options?: TsmIndexOptions): TsmIndex {
    return new TsmIndex(this, options)
  }

  read(target: Uint8Array, offset: number): void {
    readFully(this.path, this.#descriptor, target, offset)
  }

  share(): SharedStore {
    return { path: this.path, descriptor: this.#descriptor }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** Fills `target` from byte `offset` on. @throws Failure `export/tsm-damaged`, `export/unreadable-file` */
export function readFully(path: string, descriptor: number, target: Uint8Array, offset: number): void {
  for (let done = 0; done < target.length;) {
    const count = readSome(path, descriptor, target.subarray(done), offset + done)
    if (count === 0)
      throw damagedTsm({ path, offset: offset + done }, 'the file ends before that byte: it was cut')
    done += count
  }
}

/** @returns how many bytes there were; none at the end of the file. @throws Failure `export/unreadable-file` */
export function readSome(path: string, descriptor: number, target: Uint8Array, offset: number): number {
  try {
    return readSync(descriptor, target, 0, target.length, offset)
  } catch (error) {
    throw unreadableFile(path, error)
  }
}
