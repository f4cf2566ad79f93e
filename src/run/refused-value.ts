import { nameOfType } from '../source/tsm/block-store.ts'
import type { Cast, Refusal } from '../kernel/kernel.ts'
import { MAX_STRING_BYTES } from '../lines/field-value.ts'
import { cannotCast } from '../lines/transform/cast-value.ts'
import type { FieldType } from '../manifest/migration.ts'

/** Why v3 does not take a value, in the words that the line protocol reader has for it; and the value in 1.x line protocol. */
export function refusedValue(
  { reason, type, value }: Refusal,
  cast: Cast | undefined,
): { reason: string; value: Buffer } {
  const written = writtenValue(type, value)
  switch (reason) {
    case 'not-finite':
      return { reason: `${written.toString()} is not a value in v3 line protocol`, value: written }
    case 'too-long':
      return { reason: `the string is longer than ${MAX_STRING_BYTES} bytes`, value: written }
    case 'invalid-utf8':
      return { reason: 'the string is not valid UTF-8', value: written }
    case 'cast':
      return { reason: cannotCast(nameOfType(type), cast as FieldType), value: written }
  }
}

function writtenValue(type: Refusal['type'], value: Refusal['value']): Buffer {
  if (typeof value === 'object') return quoted(value)
  if (typeof value === 'bigint') return Buffer.from(`${value}${nameOfType(type).charAt(0)}`)
  if (typeof value === 'boolean' || Number.isFinite(value))
    return Buffer.from(Object.is(value, -0) ? '-0' : String(value))
  return Buffer.from(Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf')
}

function quoted(value: Uint8Array): Buffer {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
  return Buffer.from(`"${text.replace(/["\\]/g, '\\$&')}"`, 'latin1')
}
