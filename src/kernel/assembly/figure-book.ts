// Figures by number, for points that do not come through the kernel. What src/kernel/figures.ts calls.
import { BOOLEAN } from './codes'
import { addFigures, addPoint, clearFigures, Figures, hashBytes, hashRow } from './figures'

const PAGE: usize = 65536
/** Bytes given from outside: a value's text, a series key, other figures. */
const SLACK: usize = 64
let inputSize: usize = 4096
const base: usize = (__heap_base + 15) & ~15
let input: usize = base
let slots: usize = base + inputSize + SLACK
let slotCount: u32 = 0
let series: u64 = 0

/** Where so many bytes can be put; 0 when memory ran out. What was put there before is gone. */
export function inputAt(size: usize): usize {
  if (size > inputSize) {
    const larger = (size * 2 + 4095) & ~4095
    const used = <usize>slotCount * offsetof<Figures>()
    if (!fits(base + larger + SLACK + used)) return 0
    memory.copy(base + larger + SLACK, slots, used)
    slots = base + larger + SLACK
    inputSize = larger
  }
  return fits(slots) ? input : 0
}

function fits(end: usize): bool {
  const have = <usize>memory.size() * PAGE
  return end <= have || memory.grow(<i32>((end - have + PAGE - 1) / PAGE)) >= 0
}

/** A new number for figures of a type; -1 when memory ran out. */
export function addSlot(type: u32): i32 {
  if (!fits(slots + (<usize>slotCount + 1) * offsetof<Figures>())) return -1
  clearFigures(figuresAt(slotCount), type)
  return slotCount++
}

export function figuresAt(slot: u32): Figures {
  return changetype<Figures>(slots + <usize>slot * offsetof<Figures>())
}

/** The series of the points that are added next: its key is the input. */
export function beginSeries(size: usize): void {
  series = hashBytes(input, size)
}

/** A float's, an integer's or a boolean's bits. */
export function add(slot: u32, time: i64, bits: i64): void {
  addPoint(figuresAt(slot), hashRow(series, time), time, <u64>bits)
}

export function addFloat(slot: u32, seconds: f64, nanos: f64, value: f64): void {
  add(slot, timeOf(seconds, nanos), <i64>reinterpret<u64>(value))
}

/** An integer or a boolean as line protocol has it, without what marks its type: the input. */
export function addText(slot: u32, seconds: f64, nanos: f64, size: usize): void {
  const figures = figuresAt(slot)
  let bits: u64 = 0
  if (figures.type === BOOLEAN) bits = u64(load<u8>(input) === 0x74)
  else {
    const isNegative = load<u8>(input) === 0x2d
    for (let at = input + usize(isNegative); at < input + size; at++)
      bits = bits * 10 + <u64>(load<u8>(at) - 0x30)
    if (isNegative) bits = 0 - bits
  }
  const time = timeOf(seconds, nanos)
  addPoint(figures, hashRow(series, time), time, bits)
}

/** A string: the input. */
export function addString(slot: u32, time: i64, size: usize): void {
  addPoint(figuresAt(slot), hashRow(series, time), time, hashBytes(input, size))
}

export function addStringAt(slot: u32, seconds: f64, nanos: f64, size: usize): void {
  addString(slot, timeOf(seconds, nanos), size)
}

/** Other figures of the same type: the input. */
export function merge(slot: u32): void {
  addFigures(figuresAt(slot), changetype<Figures>(input))
}

function timeOf(seconds: f64, nanos: f64): i64 {
  return <i64>seconds * 1000000000 + <i64>nanos
}
