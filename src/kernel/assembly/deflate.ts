// Deflate (RFC 1951) for rows of line protocol. A row is mostly the row before it with other values, so that nothing has to
// be searched for: a pointer walks through the row before, in step with the one at hand, field by field. In long texts things
// come again elsewhere, and are searched for.
import {
  addStep,
  countLiteral,
  endOfBlocks,
  isFull,
  startBlocks,
  steps,
  words,
  writeBlock,
} from './deflate-block'

const SHORTEST: usize = 4
const LONGEST: usize = 258
const FARTHEST: usize = 32768
/** Of a batch, that is outside of what rows have in common and is no digits: one part in so many, and it is of texts. */
const WORDS_PART: usize = 5

/** By a hash of four bytes: where they were last. */
const PLACE_BITS: u32 = 15
const places: usize = memory.data(32768 * 4, 16)

const COMMA: u8 = 0x2c
const NEWLINE: u8 = 0x0a

let input: usize = 0
let output: usize = 0

/** Room for a batch of so many bytes. Returns where its bytes are to be put, 0 when memory is out. */
export function begin(size: usize): usize {
  // Compares read sixteen bytes at once.
  input = (__heap_base + 15) & ~15
  output = input + ((size + 31) & ~15)
  const end = output + 2 * size + 4096
  const missing = <i32>((end + 0xffff) >>> 16) - memory.size()
  if (missing > 0 && memory.grow(missing) < 0) return 0
  return input
}

export function result(): usize {
  return output
}

/** Compresses `size` bytes that are where `begin` said. Returns how many bytes the result has. */
export function deflate(size: usize): usize {
  const end = input + size
  v128.store(end, i64x2.splat(0))
  if (!walk(end)) search(end)
  return endOfBlocks() - output
}

/** Finds rows in the rows before them. False as soon as it sees that this is text. */
function walk(end: usize): bool {
  startBlocks(output)
  let at = input
  // The first row has none before it.
  for (let byte: u8 = 0; at < end && byte != NEWLINE; at++) {
    byte = load<u8>(at)
    countLiteral(byte)
  }
  let before = input
  let blockStart = input
  let literalStart = input
  let step = steps
  while (at < end) {
    const length = at - before <= FARTHEST ? sameBytes(before, at, min(LONGEST, end - at)) : 0
    if (length >= SHORTEST) {
      step = addStep(step, at - literalStart, length, at - before)
      at += length
      before += length
      literalStart = at
      if (isFull(step, at - blockStart)) {
        writeBlock(blockStart, step, 0, false)
        if (isText(at)) return false
        blockStart = at
        step = steps
      }
      continue
    }
    let byte = load<u8>(at)
    if (!isEnd(byte)) {
      // What is different: a value, to its end, or to where it is the same again.
      do {
        countLiteral(byte)
        at += 1
        if (!isEnd(load<u8>(before))) before += 1
        if (load<u32>(before) == load<u32>(at)) break
        byte = load<u8>(at)
      } while (at < end && !isEnd(byte))
    } else if (!isEnd(load<u8>(before))) {
      // The value before was longer.
      do before += 1
      while (!isEnd(load<u8>(before)))
    } else {
      countLiteral(byte)
      at += 1
      // `before` stays exactly one row behind, whatever the rows have.
      if (byte == NEWLINE) before = afterRow(before)
      else if (load<u8>(before) != NEWLINE) before += 1
    }
  }
  writeBlock(blockStart, step, <u32>(end - literalStart), true)
  return !isText(end)
}

/** Whether what was walked through, up to `at`, is text. */
function isText(at: usize): bool {
  return <usize>words > (at - input) / WORDS_PART
}

/** Finds matches where the same four bytes were last. */
function search(end: usize): void {
  startBlocks(output)
  memory.fill(places, 0, (<usize>4) << PLACE_BITS)
  let at = input
  let blockStart = input
  let literalStart = input
  let step = steps
  while (at + SHORTEST <= end) {
    const four = load<u32>(at)
    const place = placeOf(four)
    const before = <usize>load<u32>(place)
    store<u32>(place, <u32>at)
    if (at - before > FARTHEST || load<u32>(before) != four) {
      countLiteral(<u8>four)
      at += 1
      continue
    }
    const length = sameBytes(before, at, min(LONGEST, end - at))
    step = addStep(step, at - literalStart, length, at - before)
    at += length
    literalStart = at
    // Of the bytes in between, the last two places: all of them would find a little more, and take much longer.
    for (let inside = at - 2; inside < at; inside++) store<u32>(placeOf(load<u32>(inside)), <u32>inside)
    if (isFull(step, at - blockStart)) {
      writeBlock(blockStart, step, 0, false)
      blockStart = at
      step = steps
    }
  }
  for (; at < end; at++) countLiteral(load<u8>(at))
  writeBlock(blockStart, step, <u32>(end - literalStart), true)
}

function placeOf(four: u32): usize {
  return places + ((<usize>((four * 2654435761) >> (32 - PLACE_BITS))) << 2)
}

/** How many bytes are the same from `a` and from `b` on, at most so many. */
function sameBytes(a: usize, b: usize, most: usize): usize {
  for (let length: usize = 0; length < most; length += 16) {
    const same = i8x16.bitmask(i8x16.eq(v128.load(a + length), v128.load(b + length)))
    if (same != 0xffff) return min(length + <usize>ctz(~same), most)
  }
  return most
}

/** Space, newline, comma; and what is below it (quotes, say), which does no harm. */
function isEnd(byte: u8): bool {
  return byte <= COMMA
}

function afterRow(at: usize): usize {
  while (load<u8>(at) != NEWLINE) at += 1
  return at + 1
}
