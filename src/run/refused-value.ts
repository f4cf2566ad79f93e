import type { Refusal } from '../kernel/kernel.ts'
import { MAX_STRING_BYTES } from '../lines/field-value.ts'

/** Why v3 does not take a value, in the words that the line protocol reader has for it; and the value in 1.x line protocol. */
export function refusedValue({ reason, value }: Refusal): { reason: string; value: Buffer } {
  if (typeof value === 'number') {
    const text = Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
    return { reason: `${text} is not a value in v3 line protocol`, value: Buffer.from(text) }
  }
  return {
    reason:
      reason === 'too-long'
        ? `the string is longer than ${MAX_STRING_BYTES} bytes`
        : 'the string is not valid UTF-8',
    value: quoted(value),
  }
}

function quoted(value: Uint8Array): Buffer {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
  return Buffer.from(`"${text.replace(/["\\]/g, '\\$&')}"`, 'latin1')
}
