// Huffman codes as deflate has them (RFC 1951, 3.2.2): canonical, of limited length, written from their lowest bit on.
const MOST_SYMBOLS: u32 = 288

/** Nodes of the tree: leaves, by frequency, then the inner ones in the order in which they are made. */
const weights: usize = memory.data(2 * 288 * 4, 8)
const parents: usize = memory.data(2 * 288 * 4, 8)
const depths: usize = memory.data(2 * 288 * 4, 8)
const leaves: usize = memory.data(288 * 4, 8)
const counts: usize = memory.data(16 * 4, 8)
const nextCodes: usize = memory.data(16 * 4, 8)

/**
 * Sets the length of each symbol's code (a byte) from how often it occurs (u32; may be changed), 0 for those that do not
 * occur. At least one does. With a single one its length is 1.
 */
export function codeLengths(frequencies: usize, symbols: u32, longest: u32, lengths: usize): void {
  memory.fill(lengths, 0, symbols)
  for (;;) {
    const used = sortLeaves(frequencies, symbols)
    if (used == 1) {
      store<u8>(lengths + load<u32>(leaves), 1)
      return
    }
    if (treeDepth(used) <= longest) {
      for (let i: u32 = 0; i < used; i++)
        store<u8>(lengths + load<u32>(leaves + (i << 2)), <u8>load<u32>(depths + (i << 2)))
      return
    }
    // Flatter, and again: rare symbols count for more.
    for (let symbol: u32 = 0; symbol < symbols; symbol++) {
      const at = frequencies + (symbol << 2)
      const frequency = load<u32>(at)
      if (frequency != 0) store<u32>(at, (frequency >> 2) + 1)
    }
  }
}

/** The symbols that occur, rarest first, as leaves. Returns how many. */
function sortLeaves(frequencies: usize, symbols: u32): u32 {
  let used: u32 = 0
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const frequency = load<u32>(frequencies + (symbol << 2))
    if (frequency == 0) continue
    let at = used++
    while (at > 0 && load<u32>(weights + ((at - 1) << 2)) > frequency) {
      store<u32>(weights + (at << 2), load<u32>(weights + ((at - 1) << 2)))
      store<u32>(leaves + (at << 2), load<u32>(leaves + ((at - 1) << 2)))
      at -= 1
    }
    store<u32>(weights + (at << 2), frequency)
    store<u32>(leaves + (at << 2), symbol)
  }
  return used
}

/** Joins the two lightest nodes until one is left: both leaves and inner nodes come in ascending order. */
function treeDepth(used: u32): u32 {
  let leaf: u32 = 0
  let inner = used
  let end = used
  for (; end < 2 * used - 1; end++) {
    let weight: u32 = 0
    for (let child = 0; child < 2; child++) {
      const takeLeaf =
        leaf < used && (inner == end || load<u32>(weights + (leaf << 2)) <= load<u32>(weights + (inner << 2)))
      const node = takeLeaf ? leaf++ : inner++
      weight += load<u32>(weights + (node << 2))
      store<u32>(parents + (node << 2), end)
    }
    store<u32>(weights + (end << 2), weight)
  }
  store<u32>(depths + ((end - 1) << 2), 0)
  let deepest: u32 = 0
  for (let node: i32 = <i32>end - 2; node >= 0; node--) {
    const depth = load<u32>(depths + (load<u32>(parents + (node << 2)) << 2)) + 1
    store<u32>(depths + (node << 2), depth)
    if (depth > deepest) deepest = depth
  }
  return deepest
}

/** For each symbol its code in the upper bits of a u32 (from bit 8 on, its first bit lowest) and its length in the lowest byte. */
export function assignCodes(lengths: usize, symbols: u32, codes: usize): void {
  memory.fill(counts, 0, 16 * 4)
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const at = counts + ((<usize>load<u8>(lengths + symbol)) << 2)
    store<u32>(at, load<u32>(at) + 1)
  }
  store<u32>(counts, 0)
  let code: u32 = 0
  for (let length = 1; length < 16; length++) {
    code = (code + load<u32>(counts + ((length - 1) << 2))) << 1
    store<u32>(nextCodes + (length << 2), code)
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = <u32>load<u8>(lengths + symbol)
    if (length == 0) {
      store<u32>(codes + (symbol << 2), 0)
      continue
    }
    const at = nextCodes + (length << 2)
    const next = load<u32>(at)
    store<u32>(at, next + 1)
    store<u32>(codes + (symbol << 2), (reversed(next, length) << 8) | length)
  }
}

function reversed(code: u32, length: u32): u32 {
  let bits: u32 = 0
  for (let i: u32 = 0; i < length; i++) bits |= ((code >> i) & 1) << (length - 1 - i)
  return bits
}
