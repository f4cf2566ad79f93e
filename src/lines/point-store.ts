import { ByteTable, grown } from './byte-table.ts'

/** Bytes of a point beside its value: seconds f64, nanos i32, place of the value u32. */
const POINT_BYTES = 16
const SEGMENT_BYTES = 12
/** A pair's six numbers and its slots in the hash table. */
const PAIR_BYTES = 40
/** Set aside for each point of a series whose fields came in pieces: the order, and the room to sort it. */
const ORDER_BYTES = 8
const SMALLEST_REGION = 4096
/** Places of values are u32, and array indexes should stay small integers. */
const LARGEST_REGION = 2 ** 30

/**
 * The points of a sorted run to be, in the order they came. One region of memory holds them: 16-byte records grow
 * from its left, their value bytes from its right. Consecutive points of one series and field ("pair") form a
 * segment, and a pair's segments a list; influx_inspect gives a pair in one piece for each file.
 */
export class PointStore {
  readonly series = new ByteTable()
  readonly fields = new ByteTable()

  /** The region seen as f64 (`[2 * point]` seconds), i32 (`[4 * point + 2]` nanos), u32 (`[4 * point + 3]` value). */
  f64!: Float64Array
  i32!: Int32Array
  u32!: Uint32Array
  bytes!: Buffer
  points = 0

  segments = 0
  segmentFirst = new Uint32Array(64)
  segmentCount = new Uint32Array(64)
  /** The next segment of the same pair, plus one; 0 ends the list. */
  segmentNext = new Uint32Array(64)

  pairs = 0
  pairSeries = new Uint32Array(64)
  pairField = new Uint32Array(64)
  /** Segments plus one. */
  pairHead = new Uint32Array(64)
  pairTail = new Uint32Array(64)
  /** 1 when a later point of the pair has an earlier time. */
  pairUnsorted = new Uint32Array(64)
  /** The next pair of the same series, plus one. */
  pairNext = new Uint32Array(64)
  /** By series: its last pair, plus one. */
  seriesPairs = new Uint32Array(64)
  #slots = new Int32Array(256)

  readonly #memory: number
  #valueTop = 0
  #openPair = -1

  /** `memory` bounds everything: region, dictionaries, segments, room for sorting. */
  constructor(memory: number) {
    this.#memory = memory
    this.#useRegion(Math.min(LARGEST_REGION, Math.max(SMALLEST_REGION, Math.floor(memory * 0.7))))
  }

  /** The id of a series and field; both given by their ids. */
  pairOf(series: number, field: number): number {
    const mask = this.#slots.length - 1
    let slot = pairHash(series, field) & mask
    for (; ; slot = (slot + 1) & mask) {
      const pair = (this.#slots[slot] as number) - 1
      if (pair < 0) break
      if (this.pairSeries[pair] === series && this.pairField[pair] === field) return pair
    }
    const pair = this.pairs++
    this.#slots[slot] = pair + 1
    if (this.pairs > this.pairSeries.length) this.#growPairs()
    while (series >= this.seriesPairs.length) this.seriesPairs = grown(this.seriesPairs)
    this.pairSeries[pair] = series
    this.pairField[pair] = field
    this.pairHead[pair] = 0
    this.pairTail[pair] = 0
    this.pairUnsorted[pair] = 0
    this.pairNext[pair] = this.seriesPairs[series] as number
    this.seriesPairs[series] = pair + 1
    if (this.pairs * 2 > this.#slots.length) this.#rehash()
    return pair
  }

  /** Whether the region takes that many more points and bytes of values. An empty one is made to. */
  fits(points: number, valueBytes: number): boolean {
    if ((this.points + points) * POINT_BYTES + valueBytes <= this.#valueTop) return true
    if (this.points > 0) return false
    this.#useRegion(points * POINT_BYTES + valueBytes + SMALLEST_REGION) // one line larger than the whole region
    return true
  }

  /** Adds a point whose value is `source[start, end)`; no bytes make a hole (see rows.ts). Ask `fits` before. */
  add(pair: number, seconds: number, nanos: number, source: Uint8Array, start: number, end: number): void {
    const point = this.points
    if (pair === this.#openPair) {
      const last = this.f64[2 * point - 2] as number
      if (seconds < last || (seconds === last && nanos < (this.i32[4 * point - 2] as number))) {
        this.pairUnsorted[pair] = 1
      }
      const segment = this.segments - 1
      this.segmentCount[segment] = (this.segmentCount[segment] as number) + 1
    } else this.#openSegment(pair, point, seconds, nanos)
    const value = this.#valueTop - (end - start)
    this.f64[2 * point] = seconds
    this.i32[4 * point + 2] = nanos
    this.u32[4 * point + 3] = value
    this.#valueTop = value
    this.points = point + 1
    if (end - start > 40) this.bytes.set(source.subarray(start, end), value)
    else {
      const { bytes } = this
      for (let from = start, at = value; from < end; from++, at++) bytes[at] = source[from] as number
    }
  }

  /** Whether all of it, with the dictionaries and the room to sort, has used up the memory. */
  isFull(): boolean {
    if (this.points === 0) return false
    const used =
      this.series.memory +
      this.fields.memory +
      this.pairs * PAIR_BYTES +
      this.segments * SEGMENT_BYTES +
      // Only pairs in pieces need an order; a point each is what they cost at most.
      (this.segments > this.pairs ? this.points * ORDER_BYTES : 0)
    const region = this.points * POINT_BYTES + this.bytes.length - this.#valueTop
    return used + region > this.#memory
  }

  /** Where the value of a point ends: where that of the point before it starts. */
  valueEnd(point: number): number {
    return point === 0 ? this.bytes.length : (this.u32[4 * point - 1] as number)
  }

  clear(): void {
    this.series.clear()
    this.fields.clear()
    this.points = 0
    this.segments = 0
    this.pairs = 0
    this.seriesPairs.fill(0)
    this.#slots.fill(0)
    this.#openPair = -1
    this.#valueTop = this.bytes.length
  }

  #openSegment(pair: number, point: number, seconds: number, nanos: number): void {
    const segment = this.segments++
    if (this.segments > this.segmentFirst.length) {
      this.segmentFirst = grown(this.segmentFirst)
      this.segmentCount = grown(this.segmentCount)
      this.segmentNext = grown(this.segmentNext)
    }
    this.segmentFirst[segment] = point
    this.segmentCount[segment] = 1
    this.segmentNext[segment] = 0
    const tail = (this.pairTail[pair] as number) - 1
    if (tail < 0) this.pairHead[pair] = segment + 1
    else {
      this.segmentNext[tail] = segment + 1
      const before = (this.segmentFirst[tail] as number) + (this.segmentCount[tail] as number) - 1
      const last = this.f64[2 * before] as number
      if (seconds < last || (seconds === last && nanos < (this.i32[4 * before + 2] as number))) {
        this.pairUnsorted[pair] = 1
      }
    }
    this.pairTail[pair] = segment + 1
    this.#openPair = pair
  }

  #useRegion(size: number): void {
    const region = new ArrayBuffer(Math.ceil(size / 8) * 8) // untouched pages cost nothing
    this.f64 = new Float64Array(region)
    this.i32 = new Int32Array(region)
    this.u32 = new Uint32Array(region)
    this.bytes = Buffer.from(region)
    this.#valueTop = this.bytes.length
  }

  #growPairs(): void {
    this.pairSeries = grown(this.pairSeries)
    this.pairField = grown(this.pairField)
    this.pairHead = grown(this.pairHead)
    this.pairTail = grown(this.pairTail)
    this.pairUnsorted = grown(this.pairUnsorted)
    this.pairNext = grown(this.pairNext)
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let pair = 0; pair < this.pairs; pair++) {
      let slot = pairHash(this.pairSeries[pair] as number, this.pairField[pair] as number) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = pair + 1
    }
  }
}

function pairHash(series: number, field: number): number {
  const hash = Math.imul(series, 0x9e3779b1) ^ Math.imul(field + 1, 0x85ebca6b)
  return hash ^ (hash >>> 15)
}
