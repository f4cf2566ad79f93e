/** Series of line protocol files: every line is read once, and counted exactly. */
import { decodeEncodedName, splitEncodedKey } from '../lines/encoded-key.ts'
import { LineParser, type Refusal } from '../lines/line-parser.ts'
import { readLines } from '../lines/line-reader.ts'
import * as scan from '../lines/line-scan.ts'
import { decodeName } from '../lines/names.ts'
import { PointStore } from '../lines/point-store.ts'
import { seriesNames } from '../lines/series-key.ts'
import type { TimeWindow } from '../core/time.ts'
import type { FieldType } from '../manifest/migration.ts'
import { LONG_STRING, longStringReason } from '../lines/long-strings.ts'
import { seenSeries, shownText, type SeenField, type SeenSeries } from './seen-series.ts'
import { pointOf } from './survey-builder.ts'

export interface SurveyLinesOptions {
  window: TimeWindow
  memory: number
  signal: AbortSignal
}

export interface LineSight {
  add(series: SeenSeries): void
  refuse(measurement: string, reason: string, points: number, example: string): void
}

/**
 * What refuses a line for its names goes to `add` as well, for a transform may save it.
 *
 * @throws Failure `export/...` of the files
 */
export async function surveyLines(
  chunks: AsyncIterable<Uint8Array>,
  { window, memory, signal }: SurveyLinesOptions,
  sight: LineSight,
): Promise<void> {
  const store = new PointStore(memory)
  const take = () => {
    takeSeries(store, sight)
    store.clear()
    return Promise.resolve()
  }
  const parser = new LineParser(store, window, 'any', (refusal) => takeRefusal(refusal, sight))
  await readLines(chunks, parser, { onFull: take, onProgress: () => undefined, signal })
  await take()
}

function takeSeries(store: PointStore, sight: LineSight): void {
  for (let id = 0; id < store.series.size; id++) {
    const fields: SeenField[] = []
    const names = splitEncodedKey(Buffer.from(store.series.at(id)))
    const series = seenSeries(names, fields)
    for (let pair = store.seriesPairs[id] ?? 0; pair !== 0; pair = store.pairNext[pair - 1] ?? 0) {
      const name = decodeEncodedName(store.fields.at(store.pairField[pair - 1] ?? 0)).toString('latin1')
      takePair(store, pair - 1, name, series, sight)
    }
    if (fields.length > 0) sight.add(series)
  }
}

function takePair(store: PointStore, pair: number, name: string, series: SeenSeries, sight: LineSight): void {
  for (let at = store.pairHead[pair] ?? 0; at !== 0; at = store.segmentNext[at - 1] ?? 0) {
    const first = store.segmentFirst[at - 1] ?? 0
    const end = first + (store.segmentCount[at - 1] ?? 0)
    for (let point = first; point < end; point++) {
      const start = store.u32[4 * point + 3] ?? 0
      const valueEnd = store.valueEnd(point)
      if (start === valueEnd) continue // refused, and told of
      const time = BigInt(store.f64[2 * point] ?? 0) * 1_000_000_000n + BigInt(store.i32[4 * point + 2] ?? 0)
      const type = typeOf(store.bytes[start] ?? 0, store.bytes[valueEnd - 1] ?? 0)
      see(series.fields, name, type, time)
      if (type !== 'string' || valueEnd - start <= LONG_STRING) continue
      const reason = longStringReason(store.bytes.subarray(start, valueEnd))
      if (reason !== undefined)
        sight.refuse(shownText(series.measurement), reason, 1, pointOf(series, name, time))
    }
  }
}

function see(fields: SeenField[], name: string, type: FieldType, time: bigint): void {
  let field = fields.find((one) => one.name === name && one.type === type)
  if (field === undefined) {
    field = { name, type, first: time, last: time, points: pointsOfNothing }
    fields.push(field)
  }
  const count = field.points() + 1
  field.points = () => count
  if (time < field.first) field.first = time
  if (time > field.last) field.last = time
}

const pointsOfNothing = () => 0

/** As the store has values: 1.x's, and those that v3 takes. */
function typeOf(first: number, last: number): FieldType {
  if (first === 0x22) return 'string'
  if (first === 0x74 || first === 0x66) return 'boolean'
  if (last === 0x69) return 'integer'
  return last === 0x75 ? 'unsigned' : 'float'
}

function takeRefusal({ reason, line, points }: Refusal, sight: LineSight): void {
  const series = reason.startsWith('the string') ? undefined : seriesOfLine(line)
  const hasBadName = /^the (measurement|tag|field)/.test(reason)
  if (series !== undefined && hasBadName) return sight.add(series)
  const text = line.toString('utf8', 0, 100)
  // "line 7: missing timestamp" is another reason for each line.
  sight.refuse(nameIn(line), reason.replace(/^line \d+: /, 'not line protocol: '), points, text)
}

function nameIn(line: Buffer): string {
  const end = line.findIndex((byte, at) => (byte === 0x2c || byte === 0x20) && line[at - 1] !== 0x5c)
  return decodeName(line.subarray(0, Math.max(end, 0)), 'measurement').toString()
}

/** A line that was refused for a name of it; its fields are as many points. */
function seriesOfLine(line: Buffer): SeenSeries | undefined {
  const data = Buffer.concat([line, Buffer.from('\n\n')])
  const to = line.length
  const keyEnd = scan.seriesKeyEnd(data, 0, to)
  const names = seriesNames(data.subarray(0, Math.max(keyEnd, 0)))
  if (typeof names === 'string') return undefined
  const time = /(-?\d+)\s*$/.exec(line.toString('latin1'))?.[1]
  const fields: SeenField[] = []
  for (let at = scan.skipWhite(data, keyEnd); at < to;) {
    const end = scan.fieldKeyEnd(data, at, to)
    if (end < 0) break
    const name = decodeName(data.subarray(at, end), 'field key')
    const start = end + 1
    let valueEnd = data[start] === 0x22 ? scan.stringEnd(data, start, to) : start
    if (valueEnd < 0) break
    while (valueEnd < to && data[valueEnd] !== 0x2c && data[valueEnd] !== 0x20) valueEnd += 1
    see(fields, name.toString('latin1'), typeOf(data[start] ?? 0, data[valueEnd - 1] ?? 0), BigInt(time ?? 0))
    if (data[valueEnd] !== 0x2c) break
    at = valueEnd + 1
  }
  return seenSeries(names, fields)
}
