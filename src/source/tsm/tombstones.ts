/**
 * Tombstone files, `<generation>-<sequence>.tombstone`: what was deleted from the TSM file of the same name. Every version
 * that influxd 1.x reads (Tombstoner.Walk):
 *
 * 1. no header, keys, one a line, each deleted as a whole (before 0.13)
 * 2. `0x1502`, then keyLen u32, key, min i64, max i64, again and again
 * 3. `0x1503`, then the same in one gzip member
 * 4. `0x1504`, then gzip members one after another, each delete statement's at the end
 *
 * influxd takes a gzip stream that is cut for its end; here it is damage, since deleted points would come back.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { formatBytes } from '../../core/units.ts'
import { Failure, systemCodeOf } from '../../core/failure.ts'
import type { TimeWindow } from '../../core/time.ts'
import { KEY_SEPARATOR } from './block-store.ts'
import { damagedTombstone, unreadableFile } from './damage.ts'
import { MAX_TIME, NO_RANGES, unionOf, type TimeRanges } from './time-ranges.ts'
import { MIN_TIME } from '../../core/time.ts'

const HEADER_BYTES = 4
const MAX_KEY_BYTES = 0xffff
/** Bytes of the columns (offset, length, min, max) beside each key. */
const ENTRY_COST = 8 + 4 + 8 + 8 + 4

export interface TombstoneOptions {
  /** Deletes outside of it are passed over. */
  window: TimeWindow
  /** Bytes that all tombstones of a slice may take; what is taken is subtracted from `left`. */
  budget: { left: number; total: number }
}

/** The deletes of one TSM file by key. Asked in ascending key order, it goes through them once. */
export class Tombstones {
  readonly #keys: Buffer[]
  readonly #ranges: TimeRanges[]
  #next = 0

  constructor(keys: Buffer[], ranges: TimeRanges[]) {
    this.#keys = keys
    this.#ranges = ranges
  }

  get size(): number {
    return this.#keys.length
  }

  /** What is deleted of `key`. The keys of all calls must ascend. */
  rangesOf(key: Uint8Array): TimeRanges {
    const keys = this.#keys
    while (this.#next < keys.length) {
      const order = Buffer.compare(keys[this.#next] ?? KEY_SEPARATOR, key)
      if (order === 0) return this.#ranges[this.#next] ?? NO_RANGES
      if (order > 0) break
      this.#next += 1
    }
    return NO_RANGES
  }
}

/** The path of the tombstone file that belongs to a TSM file. */
export function tombstonePathOf(tsmPath: string): string {
  return tsmPath.replace(/\.tsm$/, '.tombstone')
}

/**
 * Reads a tombstone file; a missing one (`undefined` path aside, it may have been removed with its TSM file by a
 * compaction) is a changed source.
 *
 * @throws Failure `export/tombstone-damaged`, `export/tombstones-too-large`, `export/source-changed`
 */
export async function readTombstones(path: string, options: TombstoneOptions): Promise<Tombstones> {
  const entries = new EntryList(path, options)
  await walkTombstones(path, (key, min, max) => entries.add(key, min, max))
  return entries.sorted()
}

/** Calls `visit` for every entry in the file's order. The key's bytes are only valid within the call. */
export async function walkTombstones(
  path: string,
  visit: (key: Buffer, min: bigint, max: bigint) => void,
): Promise<void> {
  const { header, bytes } = await headerOf(path)
  if (bytes === 0) return // an old bug of influxd's left empty ones; it takes them for nothing
  const version = header >>> 4 === 0x150 && header & 0xf ? header & 0xf : 1
  if (version > 4)
    throw damagedTombstone({ path, offset: 0 }, `tombstone version ${version} is not known (1 to 4 are)`)
  const parser = version === 1 ? new LineParser(path, visit) : new EntryParser(path, visit)
  const start = version === 1 ? 0 : HEADER_BYTES
  if (bytes <= start) return
  const input = createReadStream(path, { start, highWaterMark: 1 << 18 })
  try {
    if (version <= 2) for await (const piece of input) parser.push(piece as Buffer)
    else {
      const gunzip = createGunzip({ chunkSize: 1 << 18 })
      input.on('error', (error) => gunzip.destroy(error))
      for await (const piece of input.pipe(gunzip)) parser.push(piece as Buffer)
      // zlib passes over what is behind a member and is no further member.
      if (gunzip.bytesWritten !== bytes - start)
        throw damagedTombstone(
          { path, offset: start + gunzip.bytesWritten },
          'something other than a gzip member follows',
        )
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    const code = systemCodeOf(error)
    if (code !== undefined && /^Z_|^ERR_/.test(code))
      throw damagedTombstone({ path }, `its gzip data is damaged or cut (${(error as Error).message})`, error)
    throw unreadableFile(path, error)
  } finally {
    input.destroy()
  }
  parser.end()
}

async function headerOf(path: string): Promise<{ header: number; bytes: number }> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0)
      return { header: bytesRead === HEADER_BYTES ? buffer.readUInt32BE() : 0, bytes: size }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw unreadableFile(path, error)
  }
}

/** Versions 2 to 4: keyLen u32, key, min i64, max i64. */
class EntryParser {
  readonly #path: string
  readonly #visit: (key: Buffer, min: bigint, max: bigint) => void
  #rest = Buffer.alloc(0)
  #passed = 0

  constructor(path: string, visit: (key: Buffer, min: bigint, max: bigint) => void) {
    this.#path = path
    this.#visit = visit
  }

  push(piece: Buffer): void {
    const data = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    let at = 0
    while (at + 4 <= data.length) {
      const length = data.readUInt32BE(at)
      if (length === 0 || length > MAX_KEY_BYTES)
        throw damagedTombstone(
          { path: this.#path },
          `entry ${this.#passed} has a key of ${length} bytes, which no key has`,
        )
      const end = at + 4 + length + 16
      if (end > data.length) break
      const key = data.subarray(at + 4, at + 4 + length)
      checkKey(this.#path, key, this.#passed)
      this.#visit(key, data.readBigInt64BE(end - 16), data.readBigInt64BE(end - 8))
      this.#passed += 1
      at = end
    }
    this.#rest = Buffer.from(data.subarray(at))
  }

  end(): void {
    if (this.#rest.length > 0)
      throw damagedTombstone({ path: this.#path }, `it ends inside entry ${this.#passed}`)
  }
}

/** Version 1: a key a line, deleted for all time. */
class LineParser {
  readonly #path: string
  readonly #visit: (key: Buffer, min: bigint, max: bigint) => void
  #rest = Buffer.alloc(0)
  #passed = 0

  constructor(path: string, visit: (key: Buffer, min: bigint, max: bigint) => void) {
    this.#path = path
    this.#visit = visit
  }

  push(piece: Buffer): void {
    const data = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    let at = 0
    for (let end = data.indexOf(10); end >= 0; at = end + 1, end = data.indexOf(10, at))
      this.#line(data.subarray(at, end))
    this.#rest = Buffer.from(data.subarray(at))
    if (this.#rest.length > MAX_KEY_BYTES + 1)
      throw damagedTombstone({ path: this.#path }, `line ${this.#passed} is longer than any key`)
  }

  end(): void {
    this.#line(this.#rest)
  }

  #line(line: Buffer): void {
    const key = line.at(-1) === 13 ? line.subarray(0, -1) : line
    if (key.length > 0) {
      checkKey(this.#path, key, this.#passed)
      this.#visit(key, MIN_TIME, MAX_TIME)
    }
    this.#passed += 1
  }
}

/** Also what tells a version 1 file from one whose header is damaged. */
function checkKey(path: string, key: Buffer, entry: number): void {
  if (key.indexOf(KEY_SEPARATOR) <= 0)
    throw damagedTombstone({ path }, `entry ${entry} does not name a series and a field`)
}

/** Entries as they come, in a few large pieces of memory, then sorted and joined. */
class EntryList {
  readonly #path: string
  readonly #window: TimeWindow
  readonly #budget: { left: number; total: number }
  readonly #pages: Buffer[] = []
  #page = Buffer.alloc(0)
  #used = 0
  readonly #keys: Buffer[] = []
  #times = new BigInt64Array(256)
  #ascending = true

  constructor(path: string, { window, budget }: TombstoneOptions) {
    this.#path = path
    this.#window = window
    this.#budget = budget
  }

  add(key: Buffer, min: bigint, max: bigint): void {
    if (max < this.#window.start || min >= this.#window.end || min > max) return
    const count = this.#keys.length
    const last = this.#keys[count - 1]
    const order = last === undefined ? -1 : Buffer.compare(last, key)
    // The same delete of the same key again, or of the next field of a series: common, and free.
    if (order === 0 && this.#times[2 * count - 2] === min && this.#times[2 * count - 1] === max) return
    if (order > 0) this.#ascending = false
    const cost = key.length + ENTRY_COST + 96 // the Buffer that stands for the key
    this.#budget.left -= cost
    if (this.#budget.left < 0)
      throw new Failure(
        'export/tombstones-too-large',
        `the deletes in the tombstones of one slice do not fit into ${formatBytes(this.#budget.total)}`,
        {
          where: this.#path,
          remedy:
            'Give more with "spool: { memory: ... }" in the manifest (about 250 bytes for each deleted series and field), ' +
            'or let influxd compact the shard: a full compaction applies the deletes and removes the tombstones.',
        },
      )
    if (2 * count === this.#times.length) {
      const times = new BigInt64Array(4 * count)
      times.set(this.#times)
      this.#times = times
    }
    this.#keys.push(this.#copy(key))
    this.#times[2 * count] = min
    this.#times[2 * count + 1] = max
  }

  sorted(): Tombstones {
    const order = Uint32Array.from(this.#keys.keys())
    const keyAt = (i: number) => this.#keys[i] ?? KEY_SEPARATOR
    if (!this.#ascending) order.sort((a, b) => Buffer.compare(keyAt(a), keyAt(b)) || a - b)
    const keys: Buffer[] = []
    const ranges: TimeRanges[] = []
    for (let from = 0, to = 0; from < order.length; from = to) {
      const key = keyAt(order[from] ?? 0)
      const bounds: bigint[] = []
      for (to = from; to < order.length && Buffer.compare(keyAt(order[to] ?? 0), key) === 0; to++) {
        const at = 2 * (order[to] ?? 0)
        bounds.push(this.#times[at] ?? 0n, this.#times[at + 1] ?? -1n)
      }
      const joined = unionOf(bounds)
      // Most deletes of one statement have one range: the same object for all of them.
      const before = ranges.at(-1)
      keys.push(key)
      ranges.push(before !== undefined && equal(before, joined) ? before : joined)
    }
    return new Tombstones(keys, ranges)
  }

  #copy(key: Buffer): Buffer {
    if (this.#used + key.length > this.#page.length) {
      this.#page = Buffer.allocUnsafeSlow(Math.max(1 << 16, key.length))
      this.#pages.push(this.#page)
      this.#used = 0
    }
    const copy = this.#page.subarray(this.#used, this.#used + key.length)
    key.copy(copy)
    this.#used += key.length
    return copy
  }
}

function equal(a: TimeRanges, b: TimeRanges): boolean {
  return a.length === b.length && a.every((time, i) => time === b[i])
}
