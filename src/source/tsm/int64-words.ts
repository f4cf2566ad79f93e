/**
 * 64-bit times without a BigInt each. Lists of times are `BigInt64Array`s (what the kernel copies as they are) that are
 * filled and compared through a view of 32-bit words on the same memory: a BigInt is an object on the heap, and an index
 * of millions of blocks would make two for each.
 */

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
/** Which of an element's two words is the upper (signed) one, and which the lower (unsigned) one. */
export const HIGH = littleEndian ? 1 : 0
export const LOW = littleEndian ? 0 : 1

/** Negative, 0 or positive, as `a - b`. The upper words are signed, the lower ones unsigned. */
export function compareWords(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  return aHigh !== bHigh ? aHigh - bHigh : (aLow >>> 0) - (bLow >>> 0)
}

export interface Words {
  high: number
  low: number
}

export function wordsOf(value: bigint): Words {
  return { high: Number(BigInt.asIntN(32, value >> 32n)), low: Number(BigInt.asUintN(32, value)) }
}

/** Inclusive bounds in words. */
export interface WordRange {
  first: Words
  last: Words
}
