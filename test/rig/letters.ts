import type { DeadLetter } from '../../src/lines/dead-letter.ts'
import { canonicalKey, canonicalValue } from './points.ts'
import { parseV3 } from './v3-line-protocol.ts'

const TYPES = new Map([
  ['f64', 'float'],
  ['i64', 'integer'],
  ['u64', 'unsigned'],
  ['bool', 'boolean'],
  ['string', 'string'],
])

/** The points of dead letters that were sent and refused, as `readBack` gives points. */
export function pointsOf(letters: readonly DeadLetter[]): string[] {
  return letters.flatMap(({ line }) =>
    parseV3(Buffer.from(`${line}\n`)).flatMap(({ measurement, tags, fields, time }) =>
      fields.map(([field, typed]) => {
        const [, type = '', value = ''] = /^(\w+):([^]*)$/.exec(typed) ?? []
        const key = canonicalKey(measurement, Object.fromEntries(tags), field, time)
        return `${key} = ${canonicalValue(TYPES.get(type) ?? type, value)}`
      }),
    ),
  )
}
