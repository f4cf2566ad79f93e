/** What a slice must come to, from the points that were meant: a map of maps, no bytes, no escaping. */

export interface MeantPoint {
  measurement: string
  tags: [key: string, value: string][]
  field: string
  /** As in V3Row; `refused` for one that no line protocol can hold. */
  value: string
  /** The value as 1.x line protocol writes it. */
  raw: string
  time: bigint
}

export interface Expected {
  /** By series and time: JSON of measurement, tags and time to field values. */
  rows: Map<string, Map<string, string>>
  overwritten: number
  filtered: number
  refused: number
}

export function rowKey(measurement: string, tags: [string, string][], time: bigint): string {
  const present = tags
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return JSON.stringify([measurement, present, String(time)])
}

export function expectedOf(points: MeantPoint[], window: { start: bigint; end: bigint }): Expected {
  const rows = new Map<string, Map<string, string>>()
  let overwritten = 0
  let filtered = 0
  let refused = 0
  for (const point of points) {
    if (point.time < window.start || point.time >= window.end) {
      filtered += 1
      continue
    }
    const names = [point.measurement, ...point.tags.filter(([, value]) => value !== '').flat(), point.field]
    const nameRefused =
      names.some((name) => name.includes('\t')) ||
      point.field === 'time' ||
      point.tags.some(([key, value]) => key === 'time' && value !== '')
    if (nameRefused) {
      refused += 1
      continue
    }
    const key = rowKey(point.measurement, point.tags, point.time)
    const row = rows.get(key) ?? new Map<string, string>()
    rows.set(key, row)
    const before = row.get(point.field)
    if (before !== undefined && before !== 'refused') overwritten += 1
    if (point.value === 'refused') refused += 1
    row.set(point.field, point.value)
  }
  for (const [key, row] of rows) {
    for (const [field, value] of row) if (value === 'refused') row.delete(field)
    if (row.size === 0) rows.delete(key)
  }
  return { rows, overwritten, filtered, refused }
}

/** 1.x line protocol of points that share series and time. */
export function renderLine(points: MeantPoint[]): string {
  const [first] = points
  if (first === undefined) return ''
  const tags = first.tags.map(([key, value]) => `,${escape(key, ', =')}=${escape(value, ', =')}`).join('')
  const fields = points.map(({ field, raw }) => `${escape(field, ', ="')}=${raw}`).join(',')
  return `${escape(first.measurement, ', ="')}${tags} ${fields} ${first.time}\n`
}

function escape(name: string, special: string): string {
  return [...name].map((char) => (special.includes(char) ? `\\${char}` : char)).join('')
}
