// Blocks of deflate (RFC 1951) with codes of their own: what was found in a batch, as bits.
import { assignCodes, codeLengths } from './huffman'

const LITERALS: u32 = 286
const DISTANCES: u32 = 30
const END_OF_BLOCK: u32 = 256
/** A block has at most as many steps, and about as many bytes. */
const BLOCK_STEPS: usize = 8192
const BLOCK_BYTES: usize = 131072

/** Steps through a block: how many literals, u32, then the match after them: length - 3 and distance - 1, 16 bits each. */
export const steps: usize = memory.data(8192 * 8, 16)
const literalCounts: usize = memory.data(286 * 4, 16)
const distanceCounts: usize = memory.data(30 * 4, 16)
const lengths: usize = memory.data(286 + 30, 16)
const literalCodes: usize = memory.data(286 * 4, 16)
const distanceCodes: usize = memory.data(30 * 4, 16)
/** By length - 3. */
const lengthCodes: usize = memory.data(256 * 4, 16)
const runCounts: usize = memory.data(19 * 4, 16)
const runLengths: usize = memory.data(19, 16)
const runCodes: usize = memory.data(19 * 4, 16)
/** The lengths of all codes with runs made short: symbol in the low byte, what follows it above. */
const runs: usize = memory.data((286 + 30) * 4, 16)
/** For a match of length n + 3: symbol - 257, extra bits, and what they are. */
const lengthSymbols: usize = memory.data(256, 16)
const lengthBits: usize = memory.data(29, 16)
const lengthBases: usize = memory.data(29 * 2, 16)
const distanceBits: usize = memory.data(30, 16)
const distanceBases: usize = memory.data(30 * 4, 16)
/** By distance - 1: the symbols of the first 256, then of each 128 after. */
const distanceSymbols: usize = memory.data(512, 16)
const runOrder: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])

let prepared: bool = false
let out: usize = 0
/** What is not a whole byte yet. */
let bits: u64 = 0
let bitCount: u64 = 0
/** Literals that are no digits, in all blocks. */
export let words: u32 = 0

/** The first block's result is to be at `to`. */
export function startBlocks(to: usize): void {
  if (!prepared) prepare()
  out = to
  bits = 0
  bitCount = 0
  words = 0
  clearCounts()
}

/** Where the result ends, after the last block. */
export function endOfBlocks(): usize {
  return out
}

/** Counts a literal, which the next step has to tell of. */
export function countLiteral(byte: u8): void {
  count(literalCounts, byte)
}

/** A step: so many literals, then a match. Returns where the next one goes. */
export function addStep(step: usize, literals: usize, length: usize, distance: usize): usize {
  store<u32>(step, <u32>literals)
  store<u32>(step, ((<u32>(length - 3)) << 16) | (<u32>(distance - 1)), 4)
  count(literalCounts, 257 + <usize>load<u8>(lengthSymbols + length - 3))
  count(distanceCounts, distanceSymbol(<u32>(distance - 1)))
  return step + 8
}

/** Whether a block of so many steps and bytes is to be written. */
export function isFull(step: usize, bytes: usize): bool {
  return step == steps + BLOCK_STEPS * 8 || bytes >= BLOCK_BYTES
}

function distanceSymbol(distance: u32): usize {
  return <usize>load<u8>(distanceSymbols + (distance < 256 ? distance : 256 + (distance >> 7)))
}

/** Writes the steps of a block that begins at `start` in the input, and so many literals more. */
export function writeBlock(start: usize, stepsEnd: usize, more: u32, last: bool): void {
  for (let byte: usize = 0x3a; byte < 256; byte++) words += load<u32>(literalCounts + (byte << 2))
  codeLengths(literalCounts, LITERALS, 15, lengths)
  // A block needs a distance, used or not.
  if (occurring(distanceCounts, DISTANCES) == 0) store<u32>(distanceCounts, 1)
  codeLengths(distanceCounts, DISTANCES, 15, lengths + LITERALS)
  assignCodes(lengths, LITERALS, literalCodes)
  assignCodes(lengths + LITERALS, DISTANCES, distanceCodes)
  write(last ? 5 : 4, 3)
  writeCodes()
  addLengths()
  writeSteps(start, stepsEnd, more)
  const end = load<u32>(literalCodes + (END_OF_BLOCK << 2))
  write(end >> 8, end & 0xff)
  clearCounts()
  if (last && bitCount > 0) {
    store<u8>(out, <u8>bits)
    out += 1
  }
}

function clearCounts(): void {
  memory.fill(literalCounts, 0, LITERALS * 4)
  memory.fill(distanceCounts, 0, DISTANCES * 4)
  count(literalCounts, END_OF_BLOCK)
}

function count(counts: usize, symbol: usize): void {
  const at = counts + (symbol << 2)
  store<u32>(at, load<u32>(at) + 1)
}

function occurring(counts: usize, symbols: u32): u32 {
  let used: u32 = 0
  for (let symbol: u32 = 0; symbol < symbols; symbol++) used += <u32>(load<u32>(counts + (symbol << 2)) != 0)
  return used
}

/** The lengths of both kinds of codes, runs made short, and these Huffman-coded in turn (RFC 1951, 3.2.7). */
function writeCodes(): void {
  const runsCount = findRuns()
  codeLengths(runCounts, 19, 7, runLengths)
  assignCodes(runLengths, 19, runCodes)
  let kinds: u32 = 19
  while (kinds > 4 && load<u8>(runLengths + load<u8>(runOrder + kinds - 1)) == 0) kinds -= 1
  write(LITERALS - 257, 5)
  write(DISTANCES - 1, 5)
  write(kinds - 4, 4)
  for (let i: u32 = 0; i < kinds; i++) write(load<u8>(runLengths + load<u8>(runOrder + i)), 3)
  for (let i: u32 = 0; i < runsCount; i++) {
    const run = load<u32>(runs + (i << 2))
    const symbol = run & 0xff
    const code = load<u32>(runCodes + (symbol << 2))
    write(code >> 8, code & 0xff)
    if (symbol >= 16) write(run >> 8, symbol == 16 ? 2 : symbol == 17 ? 3 : 7)
  }
}

function findRuns(): u32 {
  memory.fill(runCounts, 0, 19 * 4)
  const all = LITERALS + DISTANCES
  let found: u32 = 0
  for (let at: u32 = 0; at < all;) {
    const length = <u32>load<u8>(lengths + at)
    let same: u32 = 1
    while (at + same < all && load<u8>(lengths + at + same) == length) same += 1
    at += same
    if (length == 0) {
      while (same >= 3) {
        const some = min(same, 138)
        found = addRun(found, some < 11 ? 17 : 18, some < 11 ? some - 3 : some - 11)
        same -= some
      }
    } else {
      found = addRun(found, length, 0)
      same -= 1
      while (same >= 3) {
        const some = min(same, 6)
        found = addRun(found, 16, some - 3)
        same -= some
      }
    }
    for (; same > 0; same--) found = addRun(found, length, 0)
  }
  return found
}

function addRun(found: u32, symbol: u32, extra: u32): u32 {
  count(runCounts, symbol)
  store<u32>(runs + (found << 2), symbol | (extra << 8))
  return found + 1
}

/** The codes of the lengths, with the bits behind them. */
function addLengths(): void {
  for (let length: usize = 0; length < 256; length++) {
    const symbol = <usize>load<u8>(lengthSymbols + length)
    const code = load<u32>(literalCodes + ((257 + symbol) << 2))
    const size = code & 0xff
    const extra = <u32>length - load<u16>(lengthBases + (symbol << 1))
    store<u32>(
      lengthCodes + (length << 2),
      (((code >> 8) | (extra << size)) << 8) | (size + load<u8>(lengthBits + symbol)),
    )
  }
}

function writeSteps(start: usize, stepsEnd: usize, more: u32): void {
  let at = start
  let to = out
  let pending = bits
  let pendingCount = bitCount
  for (let step = steps; ; step += 8) {
    const isLast = step == stepsEnd
    const end = at + (isLast ? more : load<u32>(step))
    // Three codes, of at most 15 bits each, at once, and nothing for those behind the end: a branch costs more.
    for (; at < end; at += 3) {
      const one = load<u32>(literalCodes + ((<usize>load<u8>(at)) << 2))
      pending |= (<u64>(one >> 8)) << pendingCount
      pendingCount += one & 0xff
      const two = select<u32>(load<u32>(literalCodes + ((<usize>load<u8>(at, 1)) << 2)), 0, at + 1 < end)
      pending |= (<u64>(two >> 8)) << pendingCount
      pendingCount += two & 0xff
      const three = select<u32>(load<u32>(literalCodes + ((<usize>load<u8>(at, 2)) << 2)), 0, at + 2 < end)
      pending |= (<u64>(three >> 8)) << pendingCount
      pendingCount += three & 0xff
      store<u64>(to, pending)
      const bytes = pendingCount >> 3
      to += <usize>bytes
      pending >>= bytes << 3
      pendingCount &= 7
    }
    at = end
    if (isLast) break
    const length = <usize>load<u16>(step, 6)
    const distance = <u32>load<u16>(step, 4)
    at += length + 3
    const lengthCode = load<u32>(lengthCodes + (length << 2))
    pending |= (<u64>(lengthCode >> 8)) << pendingCount
    pendingCount += lengthCode & 0xff
    const symbol = distanceSymbol(distance)
    const code = load<u32>(distanceCodes + (symbol << 2))
    pending |= (<u64>(code >> 8)) << pendingCount
    pendingCount += code & 0xff
    pending |= (<u64>(distance - load<u32>(distanceBases + (symbol << 2)))) << pendingCount
    pendingCount += load<u8>(distanceBits + symbol)
    store<u64>(to, pending)
    const bytes = pendingCount >> 3
    to += <usize>bytes
    pending >>= bytes << 3
    pendingCount &= 7
  }
  out = to
  bits = pending
  bitCount = pendingCount
}

/** At most 28 bits at once. */
function write(value: u32, size: u32): void {
  bits |= (<u64>value) << bitCount
  bitCount += size
  store<u64>(out, bits)
  const bytes = bitCount >> 3
  out += <usize>bytes
  bits >>= bytes << 3
  bitCount &= 7
}

function prepare(): void {
  prepared = true
  // Lengths: eight of no extra bits, then four each of 1 to 5, and 258 by itself.
  let base: u32 = 0
  for (let symbol: u32 = 0; symbol < 28; symbol++) {
    const extra = symbol < 8 ? 0 : (symbol >> 2) - 1
    store<u8>(lengthBits + symbol, <u8>extra)
    store<u16>(lengthBases + (symbol << 1), <u16>base)
    for (let i: u32 = 0; i < (<u32>1) << extra; i++) store<u8>(lengthSymbols + base + i, <u8>symbol)
    base += 1 << extra
  }
  store<u8>(lengthSymbols + 255, 28)
  store<u8>(lengthBits + 28, 0)
  store<u16>(lengthBases + (28 << 1), 255)
  // Distances: four of no extra bits, then two each of 1 to 13.
  base = 0
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    const extra = symbol < 4 ? 0 : (symbol >> 1) - 1
    store<u8>(distanceBits + symbol, <u8>extra)
    store<u32>(distanceBases + (symbol << 2), base)
    for (let i: u32 = 0; i < (<u32>1) << extra; i++) {
      const distance = base + i
      store<u8>(distanceSymbols + (distance < 256 ? distance : 256 + (distance >> 7)), <u8>symbol)
    }
    base += 1 << extra
  }
}
