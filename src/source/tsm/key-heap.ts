/** Something that stands on a key. */
interface OnKey {
  keys: { key: Buffer }
}

/** A binary heap of sources by the key that each stands on. */
export class KeyHeap<T extends OnKey> {
  readonly #items: T[] = []

  get top(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent]
      if (above === undefined || Buffer.compare(above.keys.key, item.keys.key) <= 0) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** Puts the top in its place after it stepped to another key. */
  siftTop(): void {
    const items = this.#items
    const item = items[0]
    if (item === undefined) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      let below = items[child]
      if (below === undefined) break
      const right = items[child + 1]
      if (right !== undefined && Buffer.compare(right.keys.key, below.keys.key) < 0) {
        below = right
        child += 1
      }
      if (Buffer.compare(item.keys.key, below.keys.key) <= 0) break
      items[at] = below
      at = child
    }
    items[at] = item
  }

  pop(): void {
    const last = this.#items.pop()
    if (last === undefined || this.#items.length === 0) return
    this.#items[0] = last
    this.siftTop()
  }
}
