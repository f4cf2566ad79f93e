/**
 * Byte strings numbered in the order they came: an open-addressing hash table over one growing arena, so that a
 * million series cost no objects.
 */
export class ByteTable {
  #bytes = Buffer.allocUnsafeSlow(4096)
  #view = new DataView(this.#bytes.buffer)
  #starts = new Uint32Array(64)
  #hashes = new Int32Array(64)
  #slots = new Int32Array(256)
  /** How many byte strings are in the table; their ids are 0 to size - 1. */
  size = 0

  /** Bytes that the entries take. */
  get memory(): number {
    // Per entry a start, a hash and the slots; half of what grows by doubling may be unused.
    return (this.#starts[this.size] as number) * 1.5 + this.size * 32
  }

  /** The id of `source[start, end)`, which is added when it is new. */
  idOf(source: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5 | 0
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (source[at] as number), 0x01000193)
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    const length = end - start
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = (this.#slots[slot] as number) - 1
      if (id < 0) return this.#add(source, start, end, hash, slot)
      if (this.#hashes[id] !== hash) continue
      let at = this.#starts[id] as number
      if ((this.#starts[id + 1] as number) - at !== length) continue
      let from = start
      while (from < end && this.#bytes[at] === source[from]) {
        at += 1
        from += 1
      }
      if (from === end) return id
    }
  }

  /** The byte string of an id: a view that holds until the next `idOf` or `clear`. */
  at(id: number): Buffer {
    return this.#bytes.subarray(this.#starts[id], this.#starts[id + 1])
  }

  /** All ids, sorted by their bytes. */
  sorted(): Uint32Array {
    const ids = Uint32Array.from({ length: this.size }, (_, id) => id)
    let inOrder = true
    for (let id = 1; id < this.size && inOrder; id++) inOrder = this.#compare(id - 1, id) < 0
    return inOrder ? ids : ids.sort((a, b) => this.#compare(a, b))
  }

  clear(): void {
    this.size = 0
    this.#slots.fill(0)
  }

  /** Four bytes at a time: series keys have long prefixes in common. Big-endian words order as their bytes do. */
  #compare(a: number, b: number): number {
    const view = this.#view
    let at = this.#starts[a] as number
    let other = this.#starts[b] as number
    const lengths = (this.#starts[a + 1] as number) - at - ((this.#starts[b + 1] as number) - other)
    const end = lengths < 0 ? (this.#starts[a + 1] as number) : at - other + (this.#starts[b + 1] as number)
    for (; at + 4 <= end; at += 4, other += 4) {
      const word = view.getUint32(at)
      const otherWord = view.getUint32(other)
      if (word !== otherWord) return word - otherWord
    }
    for (; at < end; at++, other++) {
      const difference = view.getUint8(at) - view.getUint8(other)
      if (difference !== 0) return difference
    }
    return lengths
  }

  #add(source: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const id = this.size
    this.#slots[slot] = id + 1
    if (id + 2 > this.#starts.length) {
      this.#starts = grown(this.#starts)
      this.#hashes = grown(this.#hashes)
    }
    const from = this.#starts[id] as number
    const to = from + end - start
    if (to > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(to, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, from)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    for (let at = start; at < end; at++) this.#bytes[from + at - start] = source[at] as number
    this.#starts[id + 1] = to
    this.#hashes[id] = hash
    this.size = id + 1
    if (this.size * 2 > this.#slots.length) this.#rehash()
    return id
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let id = 0; id < this.size; id++) {
      let slot = (this.#hashes[id] as number) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = id + 1
    }
  }
}

/** A typed array of twice the length with the same start. */
export function grown<T extends Uint32Array | Int32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2)
  larger.set(array)
  return larger
}
