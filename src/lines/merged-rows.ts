import { NO_SERIES } from './rows.ts'
import type { Overwritten, RowCursor, Series } from './rows.ts'

interface Member {
  cursor: RowCursor
  series: Series
  /** The number of each of the cursor's fields in the merged series. */
  fields: Int32Array
}

/**
 * Several cursors as one. Where they have the same field of the same row, the later cursor wins: it was read later.
 */
export class MergedRows implements RowCursor {
  series = NO_SERIES
  seconds = 0
  nanos = 0
  count = 0
  readonly field: number[] = []
  readonly bytes: Buffer[] = []
  readonly start: number[] = []
  readonly end: number[] = []

  readonly #overwritten: Overwritten
  /** Cursors that stand on a row, oldest first. */
  readonly #standing: RowCursor[]
  /** Those of them that are in the current series, and how their fields are numbered in it. */
  #inSeries: Member[] = []
  /** By field of the current series: place in the row plus one. */
  #place = new Int32Array(0)
  /** Those whose row was shown; moved on by the next `next`, since their bytes must hold until then. */
  readonly #shown: Member[] = []

  constructor(cursors: RowCursor[], overwritten: Overwritten) {
    this.#overwritten = overwritten
    this.#standing = cursors.filter((cursor) => cursor.next())
  }

  next(): boolean {
    for (const member of this.#shown) {
      const { cursor, series } = member
      const stands = cursor.next()
      if (!stands) this.#standing.splice(this.#standing.indexOf(cursor), 1)
      if (!stands || cursor.series !== series) this.#inSeries.splice(this.#inSeries.indexOf(member), 1)
    }
    this.#shown.length = 0
    if (this.#inSeries.length === 0 && !this.#openSeries()) return false
    this.#showRow()
    return true
  }

  #openSeries(): boolean {
    let key: Buffer | undefined
    for (const cursor of this.#standing) {
      if (key === undefined || Buffer.compare(cursor.series.key, key) < 0) key = cursor.series.key
    }
    if (key === undefined) return false
    const members = this.#standing.filter((cursor) => key.equals(cursor.series.key))
    const [first, ...others] = members.map((cursor) => cursor.series.fields)
    const fields = others.every((other) => areSame(other, first ?? [])) ? first : undefined
    const numbers = new Map<string, number>()
    this.series = { key, fields: fields ?? unionOf(members, numbers) }
    this.#place = new Int32Array(this.series.fields.length)
    this.#inSeries = members.map((cursor) => ({
      cursor,
      series: cursor.series,
      fields: Int32Array.from(cursor.series.fields, (name, number) =>
        fields === undefined ? (numbers.get(name.toString('latin1')) ?? 0) : number,
      ),
    }))
    return true
  }

  #showRow(): void {
    let seconds = Infinity
    let nanos = 0
    for (const { cursor } of this.#inSeries) {
      if (cursor.seconds < seconds || (cursor.seconds === seconds && cursor.nanos < nanos)) {
        seconds = cursor.seconds
        nanos = cursor.nanos
      }
    }
    this.seconds = seconds
    this.nanos = nanos
    this.count = 0
    const rows = this.#shown
    for (const member of this.#inSeries) {
      if (member.cursor.seconds === seconds && member.cursor.nanos === nanos) rows.push(member)
    }
    if (rows.length === 1) {
      const { cursor, fields } = rows[0] as Member
      for (let i = 0; i < cursor.count; i++)
        this.#put(i, fields[cursor.field[i] as number] as number, cursor, i)
      this.count = cursor.count
      return
    }
    // A field is entered once, with its newest value; then the row is put in field order.
    for (let newest = rows.length - 1; newest >= 0; newest--) {
      const { cursor, fields } = rows[newest] as Member
      for (let i = 0; i < cursor.count; i++) {
        const number = fields[cursor.field[i] as number] as number
        if (this.#place[number] === 0) {
          this.#put(this.count, number, cursor, i)
          this.count += 1
          this.#place[number] = this.count
        } else if (cursor.start[i] !== cursor.end[i]) this.#overwritten.points += 1
      }
    }
    this.#sortRow()
  }

  #put(at: number, field: number, from: RowCursor, i: number): void {
    this.field[at] = field
    this.bytes[at] = from.bytes[i] as Buffer
    this.start[at] = from.start[i] as number
    this.end[at] = from.end[i] as number
  }

  #sortRow(): void {
    const entries = Array.from({ length: this.count }, (_, i) => ({
      field: this.field[i] as number,
      bytes: this.bytes[i] as Buffer,
      start: this.start[i] as number,
      end: this.end[i] as number,
    })).sort((a, b) => a.field - b.field)
    entries.forEach((entry, i) => {
      this.#place[entry.field] = 0
      this.field[i] = entry.field
      this.bytes[i] = entry.bytes
      this.start[i] = entry.start
      this.end[i] = entry.end
    })
  }
}

function areSame(some: Buffer[], others: Buffer[]): boolean {
  return some.length === others.length && some.every((name, i) => name.equals(others[i] as Buffer))
}

/** The fields of all members, sorted, and the number of each. */
function unionOf(members: RowCursor[], numbers: Map<string, number>): Buffer[] {
  const names = new Map<string, Buffer>()
  for (const { series } of members) {
    for (const name of series.fields) names.set(name.toString('latin1'), name)
  }
  const fields = [...names].sort(([, a], [, b]) => Buffer.compare(a, b))
  fields.forEach(([text], number) => numbers.set(text, number))
  return fields.map(([, name]) => name)
}
