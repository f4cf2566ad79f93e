/** Points as tests state them: 1.x line protocol to write, and one canonical text a point to compare. */

export type FieldValue =
  | { type: 'float'; value: number }
  | { type: 'integer'; value: bigint }
  | { type: 'string'; value: string }
  | { type: 'boolean'; value: boolean }

export const float = (value: number): FieldValue => ({ type: 'float', value })
export const integer = (value: bigint): FieldValue => ({ type: 'integer', value })
export const string = (value: string): FieldValue => ({ type: 'string', value })
export const boolean = (value: boolean): FieldValue => ({ type: 'boolean', value })

export interface Line {
  measurement: string
  tags: Record<string, string>
  fields: Record<string, FieldValue>
  /** Nanoseconds. */
  time: bigint
}

/** Line protocol by 1.x's rules: a backslash stays as it is, but for `\"` and `\\` in string values. */
export function encodeLine({ measurement, tags, fields, time }: Line): string {
  const key = (name: string) => name.replace(/[,= ]/g, '\\$&')
  const tagSet = Object.entries(tags)
    .map(([name, value]) => `,${key(name)}=${key(value)}`)
    .join('')
  const fieldSet = Object.entries(fields).map(([name, value]) => `${key(name)}=${encodeValue(value)}`)
  return `${measurement.replace(/[, ]/g, '\\$&')}${tagSet} ${fieldSet.join(',')} ${time}`
}

function encodeValue(field: FieldValue): string {
  switch (field.type) {
    case 'float':
      return Object.is(field.value, -0) ? '-0' : String(field.value)
    case 'integer':
      return `${field.value}i`
    case 'string':
      return `"${field.value.replace(/["\\]/g, '\\$&')}"`
    case 'boolean':
      return String(field.value)
  }
}

/** The part of a canonical point that says which point it is; equal for two values of one field at one time. */
export function canonicalKey(
  measurement: string,
  tags: Record<string, string>,
  field: string,
  time: bigint | string,
): string {
  const tagSet = Object.entries(tags)
    .map(([name, value]) => `,${JSON.stringify(name)}=${JSON.stringify(value)}`)
    .sort()
    .join('')
  return `${JSON.stringify(measurement)}${tagSet} ${JSON.stringify(field)} @${time}`
}

/** `1.5 (float)`; numbers in JavaScript's shortest form, so that `1e+21` and `1e21` are one. */
export function canonicalValue(type: string, value: number | bigint | string | boolean): string {
  if (type === 'float') return `${Object.is(Number(value), -0) ? '-0' : String(Number(value))} (float)`
  if (type === 'string') return `${JSON.stringify(value)} (string)`
  return `${String(value)} (${type})`
}
