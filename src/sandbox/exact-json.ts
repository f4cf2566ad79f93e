/** JSON whose large integers stay exact: retention periods in nanoseconds pass 2^53. */
import { isInteger, isSafeNumber, parse, stringify } from 'lossless-json'
import { HttpError } from './http-error.ts'

/** Integers beyond 2^53 come as bigint. @throws HttpError 400 */
export function parseJson(text: string): unknown {
  try {
    return parse(text, undefined, (number) =>
      isInteger(number) && !isSafeNumber(number) ? BigInt(number) : Number(number),
    )
  } catch {
    throw new HttpError(400, 'the body is not valid JSON')
  }
}

/** JSON text with bigint as integers. */
export function toJson(value: unknown, space?: number): string {
  return stringify(value, undefined, space) ?? 'null'
}
