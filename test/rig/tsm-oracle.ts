/** What the kernel must give, found the obvious way: every point into a map, then rows out of it. */
import type { Counters, Refusal } from '../../src/kernel/kernel.ts'
import type { Value } from './tsm-slow-blocks.ts'

export interface OracleSource {
  /** Of a TSM file or of a run of the WAL: blocks in time order. */
  kind: 'tsm' | 'wal'
  type: number
  blocks: { times: bigint[]; values: Value[] }[]
  /** Both ends inclusive. */
  deleted: [min: bigint, max: bigint][]
}

export interface OracleColumn {
  field: string
  /** Older first. */
  sources: OracleSource[]
}

export interface OracleRows {
  rows: Buffer[]
  /** Points of each row. */
  points: number[]
  counters: Counters
  refusals: Refusal[]
}

export function oracleRows(
  series: string,
  columns: readonly OracleColumn[],
  window: { start: bigint; end: bigint },
): OracleRows {
  const counters: Counters = {
    decoded: 0,
    before: 0,
    after: 0,
    deleted: 0,
    overwritten: 0,
    refused: 0,
    points: 0,
    rows: 0,
    longStrings: 0,
  }
  const values = columns.map(({ sources }) => {
    const column = new Map<bigint, { type: number; value: Value }>()
    for (const source of sources)
      for (const [time, value] of remaining(source, window, counters)) {
        if (column.has(time)) counters.overwritten++
        column.set(time, { type: source.type, value })
      }
    return column
  })
  const times = [...new Set(values.flatMap((column) => [...column.keys()]))].sort((a, b) => (a < b ? -1 : 1))
  const rows: Buffer[] = []
  const points: number[] = []
  const refusals: Refusal[] = []
  for (const time of times) {
    const fields: Buffer[] = []
    values.forEach((column, index) => {
      const entry = column.get(time)
      if (entry === undefined) return
      const { type } = entry
      const value = typeof entry.value === 'bigint' && type === 0 ? doubleOf(entry.value) : entry.value
      const reason = refusal(type, value)
      if (reason === undefined) {
        if (Buffer.isBuffer(value) && value.length > 65_536) counters.longStrings++
        fields.push(Buffer.concat([Buffer.from(`${columns[index]?.field}=`), textOf(type, value)]))
      } else {
        const bytes = Buffer.isBuffer(value) ? new Uint8Array(value) : (value as number)
        refusals.push({ column: index, part: 0, type: type as Refusal['type'], time, reason, value: bytes })
      }
    })
    if (fields.length === 0) continue
    const list = fields.flatMap((field, i) => (i === 0 ? [field] : [Buffer.from(','), field]))
    rows.push(Buffer.concat([Buffer.from(`${series} `), ...list, Buffer.from(` ${time}\n`)]))
    points.push(fields.length)
  }
  counters.refused = refusals.length
  counters.rows = rows.length
  counters.points = points.reduce((sum, some) => sum + some, 0)
  return { rows, points, counters, refusals }
}

/** A source's points in the window that were not deleted, each time once. */
function remaining(
  { blocks, deleted }: OracleSource,
  window: { start: bigint; end: bigint },
  counters: Counters,
): Map<bigint, Value> {
  const points = new Map<bigint, Value>()
  for (const { times, values } of blocks)
    times.forEach((time, i) => {
      counters.decoded++
      if (time < window.start) counters.before++
      else if (time >= window.end) counters.after++
      else {
        if (points.has(time)) counters.overwritten++
        points.set(time, values[i] ?? 0)
      }
    })
  for (const time of [...points.keys()]) {
    if (!deleted.some(([min, max]) => min <= time && time <= max)) continue
    points.delete(time)
    counters.deleted++
  }
  return points
}

function refusal(type: number, value: Value): Refusal['reason'] | undefined {
  if (type === 0) return Number.isFinite(value) ? undefined : 'not-finite'
  if (type !== 3) return undefined
  const bytes = value as Buffer
  if (bytes.length > 1 << 20) return 'too-long'
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return undefined
  } catch {
    return 'invalid-utf8'
  }
}

function textOf(type: number, value: Value): Buffer {
  if (type === 0) return Buffer.from(Object.is(value, -0) ? '-0' : String(value))
  if (type === 1) return Buffer.from(`${BigInt.asIntN(64, value as bigint)}i`)
  if (type === 4) return Buffer.from(`${BigInt.asUintN(64, value as bigint)}u`)
  if (type === 2) return Buffer.from(String(value))
  const escaped = [...(value as Buffer)].flatMap((byte) =>
    byte === 0x22 || byte === 0x5c ? [0x5c, byte] : [byte],
  )
  return Buffer.from([0x22, ...escaped, 0x22])
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0
}
