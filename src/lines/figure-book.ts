/** Figures of all fields of a slice, added up while its rows are made or read back. */
import { createFigureMemory, type FigureMemory } from '../kernel/figures.ts'
import { BlockType } from '../kernel/kernel.ts'
import type { FieldType } from '../manifest/migration.ts'
import type { FieldFigures } from './figures.ts'
import { decodeEncoded, measurementPart } from './names.ts'

const TYPES = Object.keys(BlockType) as FieldType[]

/** Figures of some points, on their way from a thread. Names are in v3 escaping, as latin1 text. */
export interface FigurePart {
  measurement: string
  field: string
  type: BlockType
  bytes: Uint8Array
}

interface Entry extends Omit<FigurePart, 'bytes'> {
  slot: number
}

export class FigureBook {
  readonly #memory: FigureMemory = createFigureMemory()
  readonly #entries: Entry[] = []
  readonly #measurements = new Map<string, Map<string, Entry[]>>()
  #measurement: Uint8Array = new Uint8Array(0)
  #name = ''
  #fields = new Map<string, Entry[]>()

  /** Begins with a series, given by its key in v3 escaping. */
  begin(series: Uint8Array): void {
    this.#enter(series)
    this.#memory.begin(series)
  }

  /** The number of a field of the series' measurement, by its key in v3 escaping. */
  slotOf(field: Uint8Array, type: BlockType): number {
    const name = Buffer.from(field.buffer, field.byteOffset, field.length).toString('latin1')
    return this.#entryOf(name, type).slot
  }

  /** Adds a point of the series: a float, an integer, a boolean, or the bytes of a string. Time in nanoseconds. */
  add(slot: number, time: bigint, value: number | bigint | boolean | Uint8Array): void {
    if (value instanceof Uint8Array) this.#memory.addString(slot, time, value)
    else this.#memory.add(slot, time, bitsOf(value))
  }

  /** Adds a point whose value is `bytes[start, end)`, as line protocol has it. */
  addText(slot: number, seconds: number, nanos: number, bytes: Buffer, start: number, end: number): void {
    this.#memory.addText(slot, seconds, nanos, bytes, start, end)
  }

  /** Adds figures of a field of a series that the kernel has read. */
  addOfSeries(series: Uint8Array, field: Uint8Array, type: BlockType, bytes: Uint8Array): void {
    this.#enter(series)
    this.#memory.merge(this.slotOf(field, type), bytes)
  }

  /** Adds what another book, of other points, has. */
  merge(parts: readonly FigurePart[]): void {
    for (const { measurement, field, type, bytes } of parts) {
      this.#enter(Buffer.from(measurement, 'latin1'))
      this.#memory.merge(this.#entryOf(field, type).slot, bytes)
    }
  }

  parts(): FigurePart[] {
    return this.#entries.map(({ measurement, field, type, slot }) => ({
      ...{ measurement, field, type },
      bytes: this.#memory.bytesOf(slot),
    }))
  }

  /** By measurement, field and type. */
  result(): FieldFigures[] {
    return this.#entries
      .map((entry) => this.#figuresOf(entry))
      .sort(
        (a, b) =>
          compare(a.measurement, b.measurement) || compare(a.field, b.field) || compare(a.type, b.type),
      )
  }

  /** `series`: a series key, or the measurement in it. */
  #enter(series: Uint8Array): void {
    const measurement = measurementPart(series)
    if (this.#name !== '' && Buffer.compare(measurement, this.#measurement) === 0) return
    this.#measurement = Uint8Array.from(measurement)
    this.#name = Buffer.from(this.#measurement.buffer).toString('latin1')
    this.#fields = this.#measurements.get(this.#name) ?? new Map<string, Entry[]>()
    this.#measurements.set(this.#name, this.#fields)
  }

  #entryOf(field: string, type: BlockType): Entry {
    let entries = this.#fields.get(field)
    if (entries === undefined) this.#fields.set(field, (entries = []))
    const known = entries[type]
    if (known !== undefined) return known
    const entry = { measurement: this.#name, field, type, slot: this.#memory.addSlot(type) }
    this.#entries.push(entry)
    return (entries[type] = entry)
  }

  #figuresOf({ measurement, field, type, slot }: Entry): FieldFigures {
    const { min, max, sum, absolute, ...figures } = this.#memory.read(slot)
    const number = (bits: bigint) =>
      type === BlockType.float
        ? floatOf(bits)
        : type === BlockType.unsigned
          ? BigInt.asUintN(64, bits)
          : type === BlockType.integer
            ? bits
            : undefined
    return {
      measurement: decodeEncoded(Buffer.from(measurement, 'latin1')),
      field: decodeEncoded(Buffer.from(field, 'latin1')),
      type: TYPES[type] ?? 'float',
      ...figures,
      min: number(min),
      max: number(max),
      sum: number(sum),
      absolute: type === BlockType.float ? absolute : undefined,
    }
  }
}

const WORD = new DataView(new ArrayBuffer(8))

function bitsOf(value: number | bigint | boolean): bigint {
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'bigint') return BigInt.asIntN(64, value)
  WORD.setFloat64(0, value)
  return WORD.getBigInt64(0)
}

function floatOf(bits: bigint): number {
  WORD.setBigInt64(0, bits)
  return WORD.getFloat64(0)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
