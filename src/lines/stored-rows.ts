import { naturalOrder } from './natural-order.ts'
import type { PointStore } from './point-store.ts'
import { NO_SERIES } from './rows.ts'
import type { Overwritten, RowCursor } from './rows.ts'

/** More fields than this and the earliest is found by a heap instead of looking at each. */
const LINEAR_FIELDS = 16

/**
 * The rows of a full point store, sorted. Each field of a series is a column of points in time order (a segment,
 * or an order over several); a row takes the points of the earliest time from all columns.
 */
export class StoredRows implements RowCursor {
  series = NO_SERIES
  seconds = 0
  nanos = 0
  count = 0
  readonly field: number[] = []
  readonly bytes: Buffer[] = []
  readonly start: number[] = []
  readonly end: number[] = []

  readonly #store: PointStore
  readonly #overwritten: Overwritten
  readonly #seriesOrder: Uint32Array
  /** By field: its key. */
  readonly #fieldKeys: Buffer[]
  readonly #fieldRank: Uint32Array
  #nextSeries = 0

  /** Points of the current series' pairs that came in pieces or out of order, in time order. */
  #order = new Uint32Array(0)
  /** By column: its place, in the points or (when ordered) in `order`; and the point the row would take. */
  readonly #at: number[] = []
  readonly #until: number[] = []
  readonly #ordered: boolean[] = []
  readonly #point: number[] = []
  /** By column: the time of that point; infinite at the column's end. */
  readonly #columnSeconds: number[] = []
  readonly #columnNanos: number[] = []
  #columns = 0
  /** Columns as a heap by time, then field; used when there are many. */
  #heap: number[] = []

  constructor(store: PointStore, overwritten: Overwritten) {
    this.#store = store
    this.#overwritten = overwritten
    this.#seriesOrder = store.series.sorted()
    this.#fieldKeys = Array.from({ length: store.fields.size }, (_, field) => store.fields.at(field))
    this.#fieldRank = new Uint32Array(store.fields.size)
    store.fields.sorted().forEach((field, rank) => (this.#fieldRank[field] = rank))
  }

  next(): boolean {
    for (;;) {
      this.count = 0
      if (this.#columns > LINEAR_FIELDS) this.#takeFromHeap()
      else if (this.#columns > 0) this.#takeByLooking()
      if (this.count > 0) return true
      if (!this.#openSeries()) return false
    }
  }

  #takeByLooking(): void {
    const seconds = this.#columnSeconds
    const nanos = this.#columnNanos
    const columns = this.#columns
    let second = Infinity
    let nano = 0
    for (let column = 0; column < columns; column++) {
      const s = seconds[column] as number
      if (s < second || (s === second && (nanos[column] as number) < nano)) {
        second = s
        nano = nanos[column] as number
      }
    }
    if (second === Infinity) return
    this.seconds = second
    this.nanos = nano
    for (let column = 0; column < columns; column++) {
      if (seconds[column] === second && nanos[column] === nano) this.#take(column)
    }
  }

  #takeFromHeap(): void {
    const heap = this.#heap
    const first = heap[0] as number
    const second = this.#columnSeconds[first] as number
    const nano = this.#columnNanos[first] as number
    if (second === Infinity) return
    this.seconds = second
    this.nanos = nano
    for (;;) {
      const top = heap[0] as number
      if (this.#columnSeconds[top] !== second || this.#columnNanos[top] !== nano) return
      this.#take(top)
      this.#sink(0)
    }
  }

  /** Gives a column's point to the row, and moves the column on. */
  #take(column: number): void {
    const store = this.#store
    const point = this.#point[column] as number
    const at = this.count++
    this.field[at] = column
    this.bytes[at] = store.bytes
    this.start[at] = store.u32[4 * point + 3] as number
    this.end[at] = store.valueEnd(point)
    this.#advance(column)
  }

  /** To the last point of the column's next time: the one that came last wins. */
  #advance(column: number): void {
    const store = this.#store
    let at = this.#at[column] as number
    const until = this.#until[column] as number
    if (at === until) {
      this.#columnSeconds[column] = Infinity
      return
    }
    const ordered = this.#ordered[column] as boolean
    let point = ordered ? (this.#order[at] as number) : at
    const seconds = store.f64[2 * point] as number
    const nanos = store.i32[4 * point + 2] as number
    for (at += 1; at < until; at++) {
      const later = ordered ? (this.#order[at] as number) : at
      if (store.f64[2 * later] !== seconds || store.i32[4 * later + 2] !== nanos) break
      // A hole was counted as refused; it is not a value that could be overwritten.
      if (store.u32[4 * point + 3] !== store.valueEnd(point)) this.#overwritten.points += 1
      point = later
    }
    this.#at[column] = at
    this.#point[column] = point
    this.#columnSeconds[column] = seconds
    this.#columnNanos[column] = nanos
  }

  #openSeries(): boolean {
    const id = this.#seriesOrder[this.#nextSeries]
    if (id === undefined) return false
    this.#nextSeries += 1
    const store = this.#store
    const pairs: number[] = []
    let scattered = 0
    for (let pair = store.seriesPairs[id] as number; pair !== 0; pair = store.pairNext[pair - 1] as number) {
      pairs.push(pair - 1)
      if (this.#isScattered(pair - 1)) scattered += this.#pointsOf(pair - 1)
    }
    const rank = (pair: number) => this.#fieldRank[store.pairField[pair] as number] as number
    if (pairs.length > 1) pairs.sort((a, b) => rank(a) - rank(b))
    this.series = {
      key: store.series.at(id),
      fields: pairs.map((pair) => this.#fieldKeys[store.pairField[pair] as number] as Buffer),
    }
    this.#columns = pairs.length
    if (scattered > this.#order.length) this.#order = new Uint32Array(scattered)
    let placed = 0
    pairs.forEach((pair, column) => {
      const scatteredPair = this.#isScattered(pair)
      if (scatteredPair) {
        this.#at[column] = placed
        placed = this.#place(pair, placed)
        this.#until[column] = placed
      } else {
        const segment = (store.pairHead[pair] as number) - 1
        this.#at[column] = store.segmentFirst[segment] as number
        this.#until[column] = this.#at[column] + (store.segmentCount[segment] as number)
      }
      this.#ordered[column] = scatteredPair
      this.#advance(column)
    })
    if (this.#columns > LINEAR_FIELDS) {
      this.#heap = pairs.map((_, column) => column)
      for (let slot = this.#columns >> 1; slot >= 0; slot--) this.#sink(slot)
    }
    return true
  }

  #isScattered(pair: number): boolean {
    const store = this.#store
    return store.pairUnsorted[pair] === 1 || store.pairHead[pair] !== store.pairTail[pair]
  }

  #pointsOf(pair: number): number {
    const store = this.#store
    let points = 0
    for (let at = store.pairHead[pair] as number; at !== 0; at = store.segmentNext[at - 1] as number) {
      points += store.segmentCount[at - 1] as number
    }
    return points
  }

  /** Lists a pair's points in `order` from `start`, by time and then as they came; returns where they end. */
  #place(pair: number, start: number): number {
    const store = this.#store
    let end = start
    for (let at = store.pairHead[pair] as number; at !== 0; at = store.segmentNext[at - 1] as number) {
      const first = store.segmentFirst[at - 1] as number
      const count = store.segmentCount[at - 1] as number
      for (let i = 0; i < count; i++) this.#order[end++] = first + i
    }
    if (store.pairUnsorted[pair] === 1) naturalOrder(this.#order.subarray(start, end), store.f64, store.i32)
    return end
  }

  #sink(from: number): void {
    const heap = this.#heap
    const moved = heap[from] as number
    let slot = from
    for (;;) {
      let child = slot * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1] as number, heap[child] as number))
        child += 1
      if (!this.#isBefore(heap[child] as number, moved)) break
      heap[slot] = heap[child] as number
      slot = child
    }
    heap[slot] = moved
  }

  #isBefore(a: number, b: number): boolean {
    const byTime =
      (this.#columnSeconds[a] as number) - (this.#columnSeconds[b] as number) ||
      (this.#columnNanos[a] as number) - (this.#columnNanos[b] as number)
    return byTime < 0 || (byTime === 0 && a < b)
  }
}
