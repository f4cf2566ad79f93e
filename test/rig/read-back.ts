/** Everything a server answers, as sorted text, so that two servers are compared by `toEqual`. */
import { identifier, influxql, type Cell, type Endpoint } from './influxql.ts'
import { canonicalKey, canonicalValue } from './points.ts'

export interface What {
  database: string
  /** For 1.x servers; leave it out where the database is the whole address (`db/rp` in a cluster). */
  retentionPolicy?: string
}

/**
 * Every point of a database (and retention policy): `"measurement","tag"="value" "field" @time = value (type)`, sorted.
 * Asks what a user would: SHOW MEASUREMENTS, SHOW FIELD KEYS and, for each measurement, SELECT * ... GROUP BY *.
 *
 * A field that has another type in another shard is read as each of its types; influxd turns integers and floats into
 * one another then, so the two must not meet in one field.
 */
export async function readBack(endpoint: Endpoint, { database, retentionPolicy }: What): Promise<string[]> {
  const policy = retentionPolicy === undefined ? '' : `${identifier(retentionPolicy)}.`
  const points: string[] = []
  for (const [measurement, types] of await fieldTypes(endpoint, database, policy)) {
    const from = `FROM ${policy}${identifier(measurement)} GROUP BY *`
    const fields = [...types].flatMap(([field, list]) => list.map((type) => ({ field, type })))
    const plain = fields.length === types.size
    const selects = plain
      ? [{ select: '*', columns: fields }]
      : fields.map((one) => ({ select: `${identifier(one.field)}::${one.type}`, columns: [one] }))
    for (const { select, columns } of selects) {
      const named = select === '*' ? new Map(columns.map((one) => [one.field, one])) : undefined
      for (const series of await influxql(endpoint, `SELECT ${select} ${from}`, database)) {
        const tags = Object.fromEntries(
          Object.entries(series.tags ?? {}).filter((tag): tag is [string, string] => Boolean(tag[1])),
        )
        const places = series.columns
          .slice(1)
          .map((name, i) => (named === undefined ? columns[i] : named.get(name)))
        for (const [time, ...cells] of series.values) {
          cells.forEach((cell, i) => {
            const place = places[i]
            if (cell === null) return
            if (place === undefined) throw new Error(`${measurement}: ${series.columns[i + 1]} has no type`)
            const key = canonicalKey(series.name, tags, place.field, text(time))
            points.push(`${key} = ${canonicalValue(place.type, value(cell))}`)
          })
        }
      }
    }
  }
  return points.sort()
}

/** Field types by measurement and field. 1.x answers SHOW FIELD KEYS from the default policy unless FROM names one. */
async function fieldTypes(
  endpoint: Endpoint,
  database: string,
  policy: string,
): Promise<Map<string, Map<string, string[]>>> {
  const types = new Map<string, Map<string, string[]>>()
  for (const [measurement = ''] of await textRows(endpoint, 'SHOW MEASUREMENTS', database)) {
    const fields = new Map<string, string[]>()
    const q = `SHOW FIELD KEYS FROM ${policy}${identifier(measurement)}`
    for (const [field = '', type = ''] of await textRows(endpoint, q, database))
      fields.set(field, [...(fields.get(field) ?? []), type])
    if (fields.size > 0) types.set(measurement, fields)
  }
  return types
}

async function textRows(endpoint: Endpoint, q: string, database: string): Promise<string[][]> {
  const series = await influxql(endpoint, q, database)
  return series.flatMap(({ values }) => values.map((row) => row.filter((cell) => typeof cell === 'string')))
}

const value = (cell: NonNullable<Cell>) => (typeof cell === 'object' ? cell.value : cell)

function text(cell: Cell | undefined): string {
  if (cell === undefined || cell === null || typeof cell !== 'object')
    throw new Error(`${String(cell)} is no time`)
  return cell.value
}
