// Memory of one series and window. Everything is let go at once by `resetArena`; what is needed again and again while
// the window is read (decoded blocks, the output) is taken from `takeBuffer` and given back.
import { NO_MEMORY, OK } from './codes'

/** Vector loads and stores may reach this far past the end of what they work on. */
export const SLACK: usize = 64
const PAGE: u64 = 65536
/** A buffer's class stands in front of it, in as much room as keeps buffers aligned. */
const HEADER: usize = 16

/** The first buffer given back of each class; class n holds 2 ** n bytes with its header. */
const freed: usize = memory.data(4 * 33, 4)

let top: usize = __heap_base
let largest: u64 = 4 * 1024 * 1024 * 1024
/** Set once memory ran out; the window cannot be finished. */
export let exhausted: bool = false

/** Nothing may be allocated beyond this many bytes of memory. */
export function limitArena(bytes: u64): void {
  largest = min<u64>(bytes, <u64>4294967296 - PAGE)
}

export function resetArena(): void {
  top = (__heap_base + 15) & ~15
  exhausted = false
  memory.fill(freed, 0, 4 * 33)
}

/** Room for `bytes` and SLACK behind them, aligned to 16, with whatever was there before; 0 when memory ran out. */
export function allocate(bytes: u64): usize {
  const start = top
  const end = <u64>start + bytes + <u64>SLACK
  if (end > largest) return runOut()
  const have = <u64>memory.size() * PAGE
  if (end > have) {
    const pages = <i32>((end - have + PAGE - 1) / PAGE)
    // A sixteenth more than needed, so that growing in small steps does not call the host each time.
    const generous = min<i32>(pages + <i32>(have / PAGE / 16), <i32>((largest - have + PAGE - 1) / PAGE))
    if (memory.grow(max<i32>(generous, pages)) < 0 && memory.grow(pages) < 0) return runOut()
  }
  top = <usize>((end + 15) & ~15)
  return start
}

function runOut(): usize {
  exhausted = true
  return 0
}

/** OK, or what to say when an allocation returned 0. */
export function memoryCode(): i32 {
  return exhausted ? NO_MEMORY : OK
}

/** A buffer of at least `bytes` and SLACK behind them; 0 when memory ran out. */
export function takeBuffer(bytes: u64): usize {
  const whole = bytes + <u64>HEADER + <u64>SLACK
  if (whole > (<u64>1) << 31) return runOut()
  const order = <u32>32 - <u32>clz<u32>(<u32>whole - 1)
  const head = freed + ((<usize>order) << 2)
  const first = load<usize>(head)
  if (first !== 0) {
    store<usize>(head, load<usize>(first))
    return first
  }
  const start = allocate((<u64>1) << order)
  if (start === 0) return 0
  store<u32>(start, order)
  return start + HEADER
}

/** How many bytes a taken buffer holds, without the slack. */
export function bufferCapacity(buffer: usize): usize {
  return ((<usize>1) << load<u32>(buffer - HEADER)) - HEADER - SLACK
}

export function giveBuffer(buffer: usize): void {
  if (buffer === 0) return
  const head = freed + ((<usize>load<u32>(buffer - HEADER)) << 2)
  store<usize>(buffer, load<usize>(head))
  store<usize>(head, buffer)
}
