import type { MaxRejected } from './migration.ts'

/** `0`, `100`, `"0.1%"`; `undefined` for what is none of these, and for nothing. */
export function parseMaxRejected(text: string | number | undefined): MaxRejected | undefined {
  const [, number, percent] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(String(text ?? '')) ?? []
  if (number === undefined) return undefined
  if (percent === '%') return Number(number) <= 100 ? { percent: Number(number) } : undefined
  return Number.isSafeInteger(Number(number)) ? { points: Number(number) } : undefined
}
