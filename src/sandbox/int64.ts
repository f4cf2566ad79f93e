/** 64-bit integers as two 32-bit halves: the parser's hot path makes no BigInt. */
export interface Halves {
  low: number
  high: number
}

/**
 * Reads the decimal digits `bytes[from..to)` into `out`, two's complement when `negative`.
 * `false` when they do not fit: int64, or uint64 with `unsigned`.
 */
export function parseInteger(
  bytes: Uint8Array,
  from: number,
  to: number,
  negative: boolean,
  unsigned: boolean,
  out: Halves,
): boolean {
  let at = from
  while (at < to - 1 && bytes[at] === 48) at += 1
  if (to - at > 20) return false
  // Head and the last nine digits are exact as doubles; 2^16 cuts their product into parts below 2^53.
  const cut = Math.max(at, to - 9)
  const head = digits(bytes, at, cut)
  const below = (head % 65536) * 1e9 + digits(bytes, cut, to)
  const above = Math.floor(head / 65536) * 1e9 + Math.floor(below / 65536)
  let high = Math.floor(above / 65536)
  let low = (above % 65536) * 65536 + (below % 65536)
  if (unsigned ? high > 0xffffffff : high > 0x7fffffff) {
    if (!(negative && high === 0x80000000 && low === 0)) return false
  }
  if (negative) {
    low = -low >>> 0
    high = low === 0 ? -high : ~high
  }
  out.low = low | 0
  out.high = high | 0
  return true
}

function digits(bytes: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at += 1) value = value * 10 + (bytes[at] as number) - 48
  return value
}

/** The int64 of two halves. */
export function toBigInt({ low, high }: Halves): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0)
}

/** Splits an int64 or uint64. */
export function setHalves(value: bigint, out: Halves): void {
  out.low = Number(BigInt.asIntN(32, value))
  out.high = Number(BigInt.asIntN(32, value >> 32n))
}
